import { bpf, loadProgram } from './bpf-calls.ts';
import { address } from './ffi.ts';
import type { SocketLookupCalls } from './kernel.ts';

// linux/bpf.h
const BPF_MAP_CREATE = 0;
const BPF_MAP_UPDATE_ELEM = 2;
const BPF_LINK_CREATE = 28;
const BPF_MAP_TYPE_SOCKMAP = 15;
const BPF_PROG_TYPE_SK_LOOKUP = 30;
const BPF_SK_LOOKUP = 36;
/** The key of a map of one entry. */
const FIRST = Buffer.alloc(4);
const SOCKET_BYTES = 8;

/** Programs that choose the socket of a connection in a network namespace. */
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
  loadSocketLookup: (program) => loadProgram(BPF_PROG_TYPE_SK_LOOKUP, program, BPF_SK_LOOKUP),
  attachSocketLookup(namespace, program) {
    const attributes = Buffer.alloc(16); // program, namespace, type, flags
    attributes.writeUInt32LE(program, 0);
    attributes.writeUInt32LE(namespace, 4);
    attributes.writeUInt32LE(BPF_SK_LOOKUP, 8);
    return bpf(BPF_LINK_CREATE, attributes, 'BPF_LINK_CREATE');
  },
};
