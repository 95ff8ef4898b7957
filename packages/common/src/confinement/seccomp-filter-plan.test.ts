import assert from 'node:assert/strict';
import { syscallRules } from './allowed-syscalls.ts';
import { denyFilter, allowFilter } from './seccomp-filter-plan.ts';

const X86_64 = 0xc000003e;
const I386 = 0x40000003;
const results: Readonly<Record<number, string>> = { 0x7fff0000: 'allowed', 0x00050026: 'ENOSYS', 0x80000000: 'killed' };

/** Runs a program as the kernel does (bpf_filter of net/core/filter.c, the four instructions that occur). */
function run(program: Buffer, call: number, values: readonly bigint[] = [], architecture = X86_64): string {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call, 0);
  data.writeUInt32LE(architecture, 4);
  for (const [index, value] of values.entries()) data.writeBigUInt64LE(value, 16 + 8 * index);
  let accumulator = 0;
  for (let at = 0; at < program.length;) {
    const [code, ifTrue, ifFalse] = [program.readUInt16LE(at), program.readUInt8(at + 2), program.readUInt8(at + 3)];
    const operand = program.readUInt32LE(at + 4);
    at += 8;
    if (code === 0x06) return results[operand] ?? String(operand);
    if (code === 0x20) accumulator = data.readUInt32LE(operand);
    else if (code === 0x15) at += 8 * (accumulator === operand ? ifTrue : ifFalse);
    else if (code === 0x45) at += 8 * ((accumulator & operand) === 0 ? ifFalse : ifTrue);
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('the program has no end');
}

describe('allowFilter', () => {
  const program = allowFilter([
    { call: 5 },
    { call: 6, condition: { argument: 1, isOneOf: [3, 0xfffffff0] } },
    { call: 7, condition: { argument: 0, hasBits: 0x10000 } },
    { call: 10, condition: { argument: 0, lacksBits: 0x10000000 } },
    { call: 11, condition: { argument: 1, isNot: 1024 } },
    { call: 8 },
  ]);
  const cases: [name: string, call: number, values: bigint[], result: string][] = [
    ['a call with a rule', 5, [], 'allowed'],
    ['the last rule', 8, [], 'allowed'],
    ['a call without a rule', 9, [], 'ENOSYS'],
    ['a call of the x32 ABI', 0x40000005, [], 'ENOSYS'],
    ['a listed value', 6, [0n, 3n], 'allowed'],
    ['a value of 32 bits', 6, [0n, 0xfffffff0n], 'allowed'],
    ['a value whose upper half the kernel ignores', 6, [0n, 0x100000003n], 'allowed'],
    ['another value', 6, [3n, 4n], 'ENOSYS'],
    ['a required bit and other bits', 7, [0x10100n], 'allowed'],
    ['a missing bit', 7, [0x20100n], 'ENOSYS'],
    ['without a denied bit', 10, [0x20000n], 'allowed'],
    ['a denied bit and other bits', 10, [0x10020000n], 'ENOSYS'],
    ['another value than the denied one', 11, [1024n, 1025n], 'allowed'],
    ['the denied value', 11, [0n, 1024n], 'ENOSYS'],
  ];
  for (const [name, call, values, result] of cases) it(name, () => assert.equal(run(program, call, values), result));
  it('a call of 32-bit code', () => assert.equal(run(program, 5, [], I386), 'killed'));
});

describe('denyFilter', () => {
  const program = denyFilter([425, 426], [{ call: 41, condition: { argument: 0, isOneOf: [1, 2] } }]);
  it('compares the arguments of a call with a rule', () =>
    assert.deepEqual(
      [1n, 2n, 40n].map((family) => run(program, 41, [family])),
      ['allowed', 'allowed', 'ENOSYS'],
    ));
  for (const [call, architecture, result] of [
    [425, X86_64, 'ENOSYS'],
    [426, X86_64, 'ENOSYS'],
    [427, X86_64, 'allowed'],
    [0x40000000 + 427, X86_64, 'ENOSYS'],
    [425, I386, 'allowed'],
  ] as const)
    it(`call ${call} of architecture ${architecture.toString(16)}`, () => assert.equal(run(program, call, [], architecture), result));
});

describe('syscallRules', () => {
  const rules = (sockets: readonly number[]): Buffer => allowFilter(syscallRules({ pid: 7, sockets }));
  const cases: [name: string, call: number, values: bigint[], result: string][] = [
    ['read', 0, [], 'allowed'],
    ['open', 2, [], 'ENOSYS'],
    ['openat', 257, [], 'ENOSYS'],
    ['execve', 59, [], 'ENOSYS'],
    ['fork', 57, [], 'ENOSYS'],
    ['clone of a process', 56, [0x11n], 'ENOSYS'],
    ['clone of a thread', 56, [0x3d0f00n], 'allowed'],
    ['clone3, whose flags a filter cannot read', 435, [], 'ENOSYS'],
    ['a signal to itself', 234, [7n, 9n], 'allowed'],
    ['a signal to another process', 62, [8n], 'ENOSYS'],
    ['a signal to all', 62, [0xffffffffffffffffn], 'ENOSYS'],
    ['limits of itself', 302, [0n], 'allowed'],
    ['limits of another process', 302, [8n], 'ENOSYS'],
    ['the size of a terminal', 16, [0n, 0x5413n], 'allowed'],
    ['input of a terminal', 16, [0n, 0x5412n], 'ENOSYS'],
    ['the exit status of a process by its pidfd', 16, [3n, 0xc040ff0bn], 'allowed'],
    ['a socket', 41, [2n], 'ENOSYS'],
    ['connect', 42, [], 'ENOSYS'],
    ['io_uring_enter', 426, [], 'ENOSYS'],
  ];
  for (const [name, call, values, result] of cases) it(name, () => assert.equal(run(rules([]), call, values), result));
  it('permits sockets of the requested families only', () =>
    assert.deepEqual(
      [2n, 1n, 16n].map((family) => run(rules([2]), 41, [family])),
      ['allowed', 'ENOSYS', 'ENOSYS'],
    ));
});
