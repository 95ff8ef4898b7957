/**
 * Compiles device rules to a BPF program for cgroup version 2 (BPF_PROG_TYPE_CGROUP_DEVICE), in the format of bpf(2). Little endian. Pure.
 */
import { EXIT, JUMP_IF_NOT_EQUAL, LOAD_WORD, instruction } from '@kata-containers/common/kernel/bpf-instruction';
import type { Access, DeviceRule } from './device-rules.ts';

// linux/bpf_common.h, linux/bpf.h, Documentation/bpf/standardization/instruction-set.rst
const MOVE_REGISTER = 0xbc;
const MOVE = 0xb4;
const AND = 0x54;
const SHIFT_RIGHT = 0x74;

/** struct bpf_cgroup_dev_ctx: kind and access in one word of 16 bits each, major, minor. */
const REQUEST_OFFSET = 0;
const MAJOR_OFFSET = 4;
const MINOR_OFFSET = 8;

const kinds = { block: 1, character: 2 } as const;
const accesses: Readonly<Record<Access, number>> = { m: 1, r: 2, w: 4 };
const ALL_ACCESS = 7;

/** Registers: r0 is the result, r1 the context at the start and free afterwards. */
const [RESULT, SCRATCH, KIND, ACCESS, MAJOR, MINOR] = [0, 1, 2, 3, 4, 5];

const load = (to: number, offset: number): Buffer => instruction(LOAD_WORD, { to, from: SCRATCH, offset });
const finish = (result: 0 | 1): Buffer[] => [instruction(MOVE, { to: RESULT, value: result }), instruction(EXIT)];

const head = [
  load(KIND, REQUEST_OFFSET),
  instruction(AND, { to: KIND, value: 0xffff }),
  load(ACCESS, REQUEST_OFFSET),
  instruction(SHIFT_RIGHT, { to: ACCESS, value: 16 }),
  load(MAJOR, MAJOR_OFFSET),
  load(MINOR, MINOR_OFFSET),
];

interface Test {
  /** Before the comparison. */
  readonly prepare: readonly Buffer[];
  readonly register: number;
  readonly value: number;
}

function testsOf({ kind, device, access }: DeviceRule): Test[] {
  const others = access.reduce((mask, letter) => mask & ~accesses[letter], ALL_ACCESS);
  const copy = [instruction(MOVE_REGISTER, { to: SCRATCH, from: ACCESS }), instruction(AND, { to: SCRATCH, value: others })];
  return [
    { prepare: [], register: KIND, value: kinds[kind] },
    { prepare: copy, register: SCRATCH, value: 0 }, // the request has no access that the rule lacks
    ...(device === undefined
      ? []
      : [
          { prepare: [], register: MAJOR, value: device.major },
          { prepare: [], register: MINOR, value: device.minor },
        ]),
  ];
}

/** Allows the request when all tests hold; otherwise the next rule decides. */
function ruleBlock(rule: DeviceRule): Buffer[] {
  const rest = finish(1);
  for (const { prepare, register, value } of testsOf(rule).reverse())
    rest.unshift(...prepare, instruction(JUMP_IF_NOT_EQUAL, { to: register, offset: rest.length, value }));
  return rest;
}

/** A request without a rule is denied. */
export const deviceProgram = (rules: readonly DeviceRule[]): Buffer => Buffer.concat([...head, ...rules.flatMap(ruleBlock), ...finish(0)]);
