import assert from 'node:assert/strict';
import { loopbackProgram } from './loopback-program-plan.ts';

const MAP = 7;
/** Code, registers, offset and value of each instruction, as bpftool prints them. */
const decode = (program: Buffer): string[] =>
  Array.from({ length: program.length / 8 }, (_, index) => {
    const at = index * 8;
    const registers = program.readUInt8(at + 1);
    const fields = [program.readUInt8(at).toString(16), registers & 15, registers >> 4, program.readInt16LE(at + 2)];
    return [...fields, program.readInt32LE(at + 4)].join(' ');
  });

describe('loopbackProgram', () => {
  it('assigns TCP connections to 127.0.0.1 to the socket of the map, and passes all others', () => {
    assert.deepEqual(decode(loopbackProgram(MAP)), [
      'bf 6 1 0 0', //           r6 = context
      '61 2 6 8 0', //           r2 = family
      '55 2 0 18 2', //          if it is not AF_INET, pass
      '61 2 6 12 0', //          r2 = protocol
      '55 2 0 16 6', //          if it is not IPPROTO_TCP, pass
      '61 2 6 40 0', //          r2 = local address
      `55 2 0 14 ${0x0100007f}`, // if it is not 127.0.0.1, pass
      '62 10 0 -4 0', //         key = 0
      'bf 2 10 0 0',
      '7 2 0 0 -4', //           r2 = &key
      `18 1 1 0 ${MAP}`, //      r1 = map
      '0 0 0 0 0',
      '85 0 0 0 1', //           r0 = map_lookup_elem(r1, r2)
      '15 0 0 7 0', //           if it is NULL, pass
      'bf 7 0 0 0', //           r7 = socket
      'bf 1 6 0 0',
      'bf 2 7 0 0',
      'b7 3 0 0 0',
      '85 0 0 0 124', //         sk_assign(context, socket, 0)
      'bf 1 7 0 0',
      '85 0 0 0 86', //          sk_release(socket)
      'b7 0 0 0 1', //           pass: return SK_PASS
      '95 0 0 0 0',
    ]);
  });
});
