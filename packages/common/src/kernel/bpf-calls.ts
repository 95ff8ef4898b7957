import { address, bind, check } from './ffi.ts';

/** C libraries have no function for this system call. */
const libc = bind({ syscall: ['int64', 'int32', 'pointer', 'uint32'] });
const SYS_BPF = 321n;

// linux/bpf.h
const BPF_PROG_LOAD = 5;
/** struct bpf_insn */
const INSTRUCTION_BYTES = 8;
/** Up to the licence and the log, and with the attach type. Linux before 4.17 has no attach type. */
const LOAD_BYTES = 48;
const LOAD_BYTES_WITH_ATTACH_TYPE = 72;

/** The program's licence. Only programs that call certain functions of the kernel must have a GPL-compatible licence. */
const LICENCE = Buffer.from('Apache-2.0\0');

/**
 * bpf(2). `attributes` are the beginning of union bpf_attr; the kernel takes the rest as zero. Returns what the command returns; throws
 * KernelError with `name`.
 */
export const bpf = (command: number, attributes: Buffer, name: string): number =>
  check(libc.syscall(SYS_BPF, command, attributes, attributes.length), 'bpf', name);

/** Loads a program, an array of struct bpf_insn, and returns its fd. Some types need the type of the attachment too. */
export function loadProgram(type: number, program: Buffer, attachType?: number): number {
  const attributes = Buffer.alloc(attachType === undefined ? LOAD_BYTES : LOAD_BYTES_WITH_ATTACH_TYPE);
  attributes.writeUInt32LE(type, 0);
  attributes.writeUInt32LE(program.length / INSTRUCTION_BYTES, 4);
  attributes.writeBigUInt64LE(address(program), 8);
  attributes.writeBigUInt64LE(address(LICENCE), 16);
  if (attachType !== undefined) attributes.writeUInt32LE(attachType, 68);
  return bpf(BPF_PROG_LOAD, attributes, 'BPF_PROG_LOAD');
}
