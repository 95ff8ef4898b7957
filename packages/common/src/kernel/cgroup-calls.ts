import { address, bind, check } from './ffi.ts';
import type { CgroupCalls } from './kernel.ts';

/** C libraries have no function for this system call. */
const libc = bind({ syscall: ['int64', 'int32', 'pointer', 'uint32'] });
const SYS_BPF = 321n;

// linux/bpf.h
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
/** struct bpf_insn */
const INSTRUCTION_BYTES = 8;
/** Size of the part of union bpf_attr that the two commands use. The kernel takes the rest as zero. */
const ATTRIBUTE_BYTES = 48;

/** The program's licence. Only programs that call certain functions of the kernel must have a GPL-compatible licence. */
const LICENCE = Buffer.from('Apache-2.0\0');

const bpf = (command: number, attributes: Buffer, name: string): number =>
  check(libc.syscall(SYS_BPF, command, attributes, ATTRIBUTE_BYTES), 'bpf', name);

/** bpf(2). */
export const cgroupCalls: CgroupCalls = {
  loadDeviceProgram(program) {
    const attributes = Buffer.alloc(ATTRIBUTE_BYTES); // type, count, instructions, licence
    attributes.writeUInt32LE(BPF_PROG_TYPE_CGROUP_DEVICE, 0);
    attributes.writeUInt32LE(program.length / INSTRUCTION_BYTES, 4);
    attributes.writeBigUInt64LE(address(program), 8);
    attributes.writeBigUInt64LE(address(LICENCE), 16);
    return bpf(BPF_PROG_LOAD, attributes, 'BPF_PROG_LOAD');
  },
  attachDeviceProgram(directory, program) {
    const attributes = Buffer.alloc(ATTRIBUTE_BYTES); // directory, program, type, flags
    attributes.writeUInt32LE(directory, 0);
    attributes.writeUInt32LE(program, 4);
    attributes.writeUInt32LE(BPF_CGROUP_DEVICE, 8);
    bpf(BPF_PROG_ATTACH, attributes, 'BPF_PROG_ATTACH');
  },
};
