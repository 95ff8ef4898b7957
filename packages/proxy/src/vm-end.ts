/** Explains the end of a VM in the log, by QEMU's wait status, its log and its cgroup. Pure. */
import { constants } from 'node:os';
import { sanitizeLine } from '@kata-containers/common/errors/guest-text';
import type { QemuExit } from './qemu-exit.ts';

/** Limit for QEMU's last line: a guest can make QEMU write long lines. */
const MAX_LINE = 300;

// wait(2): the signal, whether a core was dumped, the exit code
const SIGNAL = 0x7f;
const CORE_DUMPED = 0x80;
const codeIn = (status: number): number => (status >> 8) & 0xff;

const signalName = (number: number): string => Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? 'real-time';

function statusText(status: number): string {
  const signal = status & SIGNAL;
  if (signal === 0)
    return codeIn(status) === 0 ? 'QEMU exited with code 0: the guest shut down' : `QEMU exited with code ${codeIn(status)}`;
  const core = (status & CORE_DUMPED) === 0 ? '' : ', core dumped';
  return `QEMU was killed by signal ${signal} (${signalName(signal)}${core})`;
}

function exitText(exit: QemuExit, hasLog: boolean): string {
  if (exit === 'pending') return 'QEMU is still running: the guest closed the connection, or broke the protocol';
  if (exit !== 'unknown') return statusText(exit);
  const cause = 'QEMU was killed, crashed, or the guest shut down: cause unknown, because the kernel is older than Linux 6.15';
  return hasLog ? '' : `${cause}; the kernel's log (dmesg) names crashes`;
}

const isSigkill = (exit: QemuExit): boolean => typeof exit !== 'number' || (exit & SIGNAL) === constants.signals.SIGKILL;

export interface VmEnd {
  /** The end of qemu.log. */
  readonly log: string;
  /** Whether the kernel has OOM-killed a process of the sandbox's cgroup. */
  readonly killedForMemory: boolean;
  readonly exit: QemuExit;
}

export function endText({ log, killedForMemory, exit }: VmEnd): string {
  if (killedForMemory && isSigkill(exit)) return 'QEMU was OOM-killed by the host: its cgroup, or the host, ran out of memory';
  const last = log.trimEnd().split('\n').at(-1) ?? '';
  const [, signal, from] = /terminating on signal (\d+)(?: from (pid \d+ \(.*\)))?/.exec(last) ?? [];
  if (signal !== undefined) return `QEMU ended by signal ${signal}${from === undefined ? '' : ` from ${sanitizeLine(from)}`}`;
  const said = last === '' ? '' : `last line of qemu.log: ${sanitizeLine(last.slice(0, MAX_LINE))}`;
  return [exitText(exit, last !== ''), said].filter((text) => text !== '').join('; ');
}
