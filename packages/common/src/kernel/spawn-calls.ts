import { KernelError } from '../errors/kata-error.ts';
import { address, bind, errnoName } from './ffi.ts';
import type { SpawnCalls } from './kernel.ts';

/** posix_spawn(3). The functions return the number of the error. */
const libc = bind({
  posix_spawnp: ['pointer', 'pointer', 'pointer', 'pointer', 'pointer', 'pointer'],
  posix_spawn_file_actions_init: ['pointer'],
  posix_spawn_file_actions_adddup2: ['pointer', 'int32', 'int32'],
  posix_spawn_file_actions_destroy: ['pointer'],
  posix_spawnattr_init: ['pointer'],
  posix_spawnattr_setflags: ['pointer', 'int32'],
  posix_spawnattr_setsigdefault: ['pointer', 'pointer'],
  posix_spawnattr_setsigmask: ['pointer', 'pointer'],
});

const SETSIGDEF = 0x04;
const SETSIGMASK = 0x08;
/** More than posix_spawn_file_actions_t (80 bytes) and posix_spawnattr_t (336 bytes). */
const OBJECT_BYTES = 512;
const SIGNAL_SET_BYTES = 128;
const POINTER_BYTES = 8;

const cString = (text: string): Buffer => Buffer.from(`${text}\0`);

/** An array of pointers to strings that ends with a null pointer. The strings must stay reachable during the call. */
function pointersTo(strings: readonly Buffer[]): Buffer {
  const pointers = Buffer.alloc((strings.length + 1) * POINTER_BYTES);
  for (const [index, text] of strings.entries()) pointers.writeBigUInt64LE(address(text), index * POINTER_BYTES);
  return pointers;
}

/** No signal is blocked, and those that the engine ignores have their default action. */
function signalAttributes(): Buffer {
  const attributes = Buffer.alloc(OBJECT_BYTES);
  libc.posix_spawnattr_init(attributes);
  libc.posix_spawnattr_setflags(attributes, SETSIGDEF | SETSIGMASK);
  libc.posix_spawnattr_setsigdefault(attributes, Buffer.alloc(SIGNAL_SET_BYTES, 0xff));
  libc.posix_spawnattr_setsigmask(attributes, Buffer.alloc(SIGNAL_SET_BYTES));
  return attributes;
}

export const spawnCalls: SpawnCalls = {
  spawnProgram(program, { args, environment, stdio }) {
    const actions = Buffer.alloc(OBJECT_BYTES);
    libc.posix_spawn_file_actions_init(actions);
    try {
      for (const [target, fd] of stdio.entries()) libc.posix_spawn_file_actions_adddup2(actions, fd, target);
      const strings = [program, ...args].map(cString);
      const variables = Object.entries(environment).map(([name, value]) => cString(`${name}=${value ?? ''}`));
      const [argv, envp, pid] = [pointersTo(strings), pointersTo(variables), Buffer.alloc(4)];
      const error = libc.posix_spawnp(pid, cString(program), actions, signalAttributes(), argv, envp);
      if (error !== 0) throw new KernelError('posix_spawn', error, errnoName(error), `of ${program}`);
      return pid.readInt32LE();
    } finally {
      libc.posix_spawn_file_actions_destroy(actions);
    }
  },
};
