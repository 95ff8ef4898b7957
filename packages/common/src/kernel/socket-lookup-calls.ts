import { address, bind, check } from './ffi.ts';
import type { SocketLookupCalls } from './kernel.ts';

/** C libraries have no function for this system call. */
const libc = bind({ syscall: ['int64', 'int32', 'pointer', 'uint32'] });
const SYS_BPF = 321n;

// linux/bpf.h
const BPF_MAP_CREATE = 0;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_PROG_LOAD = 5;
const BPF_LINK_CREATE = 28;
const BPF_MAP_TYPE_SOCKMAP = 15;
const BPF_PROG_TYPE_SK_LOOKUP = 30;
const BPF_SK_LOOKUP = 36;
/** struct bpf_insn */
const INSTRUCTION_BYTES = 8;
/** The key of a map of one entry. */
const FIRST = Buffer.alloc(4);
const SOCKET_BYTES = 8;

/** The program's licence. Only programs that call certain functions of the kernel must have a GPL-compatible licence. */
const LICENCE = Buffer.from('Apache-2.0\0');

const bpf = (command: number, attributes: Buffer, name: string): number =>
  check(libc.syscall(SYS_BPF, command, attributes, attributes.length), 'bpf', name);

/** bpf(2). `attributes` are the beginning of union bpf_attr; the kernel takes the rest as zero. */
export const socketLookupCalls: SocketLookupCalls = {
  createSocketMap(socket) {
    const map = Buffer.alloc(16); // type, key size, value size, entries
    map.writeUInt32LE(BPF_MAP_TYPE_SOCKMAP, 0);
    map.writeUInt32LE(FIRST.length, 4);
    map.writeUInt32LE(SOCKET_BYTES, 8);
    map.writeUInt32LE(1, 12);
    const fd = bpf(BPF_MAP_CREATE, map, 'BPF_MAP_CREATE');
    const value = Buffer.alloc(SOCKET_BYTES);
    value.writeBigUInt64LE(BigInt(socket));
    const entry = Buffer.alloc(32); // map, key, value, flags
    entry.writeUInt32LE(fd, 0);
    entry.writeBigUInt64LE(address(FIRST), 8);
    entry.writeBigUInt64LE(address(value), 16);
    bpf(BPF_MAP_UPDATE_ELEM, entry, 'BPF_MAP_UPDATE_ELEM');
    return fd;
  },
  loadSocketLookup(program) {
    const attributes = Buffer.alloc(72); // type, count, instructions, licence, log, version, flags, name, interface, attach type
    attributes.writeUInt32LE(BPF_PROG_TYPE_SK_LOOKUP, 0);
    attributes.writeUInt32LE(program.length / INSTRUCTION_BYTES, 4);
    attributes.writeBigUInt64LE(address(program), 8);
    attributes.writeBigUInt64LE(address(LICENCE), 16);
    attributes.writeUInt32LE(BPF_SK_LOOKUP, 68);
    return bpf(BPF_PROG_LOAD, attributes, 'BPF_PROG_LOAD');
  },
  attachSocketLookup(namespace, program) {
    const attributes = Buffer.alloc(16); // program, namespace, type, flags
    attributes.writeUInt32LE(program, 0);
    attributes.writeUInt32LE(namespace, 4);
    attributes.writeUInt32LE(BPF_SK_LOOKUP, 8);
    return bpf(BPF_LINK_CREATE, attributes, 'BPF_LINK_CREATE');
  },
};
