/** Catches the signals of this process, by number. */
import { closeSync } from 'node:fs';
import { constants } from 'node:os';
import { isBun } from '../process/engine.ts';
import { descriptorCalls } from './descriptor-calls.ts';
import { bind, check, functionAddress } from './ffi.ts';
import { openPollableStream } from './pollable-stream.ts';

const libc = bind({ sigaction: ['int32', 'pointer', 'pointer'], dup3: ['int32', 'int32', 'int32'], fcntl: ['int32', 'int32'] });
const F_GETFD = 1;
const O_CLOEXEC = 0o2000000;
const SA_RESTART = 0x10000000n;
/** struct sigaction of the C library: handler, mask (128 bytes), flags, restorer. */
const SIGACTION_BYTES = 152;
const FLAGS_OFFSET = 136;
const EVENT_BYTES = 8;

/** Signals that `process.on` of Bun does not catch. JavaScriptCore would use SIGPWR; launch.c makes it use another signal. */
const unknownToBun: ReadonlySet<number> = new Set([constants.signals.SIGSTKFLT, constants.signals.SIGPWR]);

/**
 * Calls `onSignal` for each of these signals from now on. Signals without a name in Node (real-time ones) cannot be caught. Call it before the
 * process opens files: on Bun it needs fds with the numbers of two signals, 16 and 30.
 */
export function onSignals(names: readonly NodeJS.Signals[], onSignal: (number: number, name: NodeJS.Signals) => void): void {
  for (const name of names) {
    const number = constants.signals[name];
    if (isBun && unknownToBun.has(number)) onSignalByEventfd(number, () => onSignal(number, name));
    else process.on(name, () => onSignal(number, name));
  }
}

/**
 * A handler may only do what signal-safety(7) allows, which JavaScript does not. eventfd_write(fd, value) of the C library, as a handler, is
 * called with the signal's number and a pointer that is not zero. So the eventfd whose fd equals the number of the signal becomes readable.
 */
function onSignalByEventfd(number: number, onSignal: () => void): void {
  if (libc.fcntl(number, F_GETFD) !== -1) return; // inherited from the caller: the signal is not caught
  const fd = descriptorCalls.eventfd();
  if (fd !== number) {
    check(libc.dup3(fd, number, O_CLOEXEC), 'dup3', '');
    closeSync(fd);
  }
  const onRead = (): boolean => {
    onSignal();
    return true;
  };
  openPollableStream(number, { direction: 'read', readBuffer: Buffer.alloc(EVENT_BYTES), onRead }).resume();
  const action = Buffer.alloc(SIGACTION_BYTES);
  action.writeBigUInt64LE(functionAddress('eventfd_write'), 0);
  action.writeBigUInt64LE(SA_RESTART, FLAGS_OFFSET);
  check(libc.sigaction(number, action, null), 'sigaction', `of signal ${number}`);
}
