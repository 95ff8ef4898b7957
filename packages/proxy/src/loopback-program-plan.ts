/**
 * A BPF program (BPF_PROG_TYPE_SK_LOOKUP) that assigns each TCP connection to 127.0.0.1, on any port, to one listening socket. The socket
 * accepts the connection with the port that the client connected to as its own port. Format of bpf(2), little endian. Pure.
 */
import { EXIT, JUMP_IF_NOT_EQUAL, LOAD_WORD, instruction } from '@kata-containers/common/kernel/bpf-instruction';

// linux/bpf_common.h, linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst
const LOAD_MAP = 0x18;
const STORE_WORD = 0x62;
const MOVE_REGISTER = 0xbf;
const MOVE = 0xb7;
const ADD = 0x07;
const CALL = 0x85;
const JUMP_IF_EQUAL = 0x15;
/** Source register of LOAD_MAP: the value is the fd of a map. */
const BPF_PSEUDO_MAP_FD = 1;

/** Functions of the kernel (bpf-helpers(7)). */
const MAP_LOOKUP_ELEM = 1;
const SK_RELEASE = 86;
const SK_ASSIGN = 124;

/** struct bpf_sk_lookup. */
const FAMILY_OFFSET = 8;
const PROTOCOL_OFFSET = 12;
const LOCAL_ADDRESS_OFFSET = 40;
const AF_INET = 2;
const IPPROTO_TCP = 6;
/** 127.0.0.1 in network byte order, read as a little-endian word. */
const LOOPBACK = 0x0100_007f;
/** Without an assigned socket the kernel looks the listening socket up as usual. */
const SK_PASS = 1;
/** Frame offset of the map's key. */
const KEY_OFFSET = -4;

const [RESULT, FIRST, SECOND, THIRD, CONTEXT, SOCKET, FRAME] = [0, 1, 2, 3, 6, 7, 10];

const copy = (to: number, from: number): Buffer => instruction(MOVE_REGISTER, { to, from });
const call = (value: number): Buffer => instruction(CALL, { value });

/** The socket of the map gets a reference, which has to be released. */
const assign = [
  copy(SOCKET, RESULT),
  copy(FIRST, CONTEXT),
  copy(SECOND, SOCKET),
  instruction(MOVE, { to: THIRD, value: 0 }),
  call(SK_ASSIGN),
  copy(FIRST, SOCKET),
  call(SK_RELEASE),
];

const lookUp = (map: number): Buffer[] => [
  instruction(STORE_WORD, { to: FRAME, offset: KEY_OFFSET, value: 0 }),
  copy(SECOND, FRAME),
  instruction(ADD, { to: SECOND, value: KEY_OFFSET }),
  instruction(LOAD_MAP, { to: FIRST, from: BPF_PSEUDO_MAP_FD, value: map }),
  instruction(0), // the upper half of the 64 bit value
  call(MAP_LOOKUP_ELEM),
  instruction(JUMP_IF_EQUAL, { to: RESULT, offset: assign.length, value: 0 }), // the socket is closed
];

/** `map` is the fd of a map whose entry 0 is the listening socket. */
export function loopbackProgram(map: number): Buffer {
  const rest = [...lookUp(map), ...assign];
  const tests: [offset: number, value: number][] = [
    [LOCAL_ADDRESS_OFFSET, LOOPBACK],
    [PROTOCOL_OFFSET, IPPROTO_TCP],
    [FAMILY_OFFSET, AF_INET],
  ];
  for (const [offset, value] of tests)
    rest.unshift(
      instruction(LOAD_WORD, { to: SECOND, from: CONTEXT, offset }),
      instruction(JUMP_IF_NOT_EQUAL, { to: SECOND, offset: rest.length, value }),
    );
  return Buffer.concat([copy(CONTEXT, FIRST), ...rest, instruction(MOVE, { to: RESULT, value: SK_PASS }), instruction(EXIT)]);
}
