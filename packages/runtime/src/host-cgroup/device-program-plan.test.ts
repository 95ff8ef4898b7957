import assert from 'node:assert/strict';
import { deviceProgram } from './device-program-plan.ts';
import type { DeviceRule } from './device-rules.ts';

interface Request {
  readonly kind: 'block' | 'character';
  readonly access: string;
  readonly device: readonly [major: number, minor: number];
}

/** Runs a program as the kernel does (Documentation/bpf/standardization/instruction-set.rst, the instructions that occur). @returns r0 */
function run(program: Buffer, { kind, access, device }: Request): number {
  const bits = [...access].reduce((mask, letter) => mask | { m: 1, r: 2, w: 4 }[letter as 'm' | 'r' | 'w'], 0);
  const context = new Map([
    [0, (kind === 'block' ? 1 : 2) | (bits << 16)],
    [4, device[0]],
    [8, device[1]],
  ]);
  const registers = Array<number>(11).fill(NaN);
  for (let at = 0; at < program.length; at += 8) {
    const [code, both, offset, value] = [
      program.readUInt8(at),
      program.readUInt8(at + 1),
      program.readInt16LE(at + 2),
      program.readInt32LE(at + 4),
    ];
    const [to, from] = [both & 15, both >> 4];
    if (code === 0x95) return registers[0] ?? NaN;
    if (code === 0x61) registers[to] = context.get(offset) ?? NaN;
    else if (code === 0xbc) registers[to] = registers[from] ?? NaN;
    else if (code === 0xb4) registers[to] = value;
    else if (code === 0x54) registers[to] = (registers[to] ?? NaN) & value;
    else if (code === 0x74) registers[to] = (registers[to] ?? NaN) >>> value;
    else if (code === 0x55) at += registers[to] === value ? 0 : 8 * offset;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('the program has no end');
}

describe('deviceProgram', () => {
  const rules: DeviceRule[] = [
    { kind: 'character', device: { major: 1, minor: 3 }, access: ['r', 'w'] },
    { kind: 'character', access: ['m'] },
    { kind: 'block', device: { major: 259, minor: 70_000 }, access: ['r'] },
  ];
  const cases: [name: string, request: Request, result: number][] = [
    ['a device and its access', { kind: 'character', device: [1, 3], access: 'rw' }, 1],
    ['a subset of the access', { kind: 'character', device: [1, 3], access: 'w' }, 1],
    ['more than the access of each rule', { kind: 'character', device: [1, 3], access: 'rm' }, 0],
    ['another minor number', { kind: 'character', device: [1, 4], access: 'r' }, 0],
    ['another major number', { kind: 'character', device: [2, 3], access: 'r' }, 0],
    ['another kind', { kind: 'block', device: [1, 3], access: 'r' }, 0],
    ['a node of any device', { kind: 'character', device: [9, 9], access: 'm' }, 1],
    ['a node of the other kind', { kind: 'block', device: [9, 9], access: 'm' }, 0],
    ['the last rule', { kind: 'block', device: [259, 70_000], access: 'r' }, 1],
    ['the last rule, and more', { kind: 'block', device: [259, 70_000], access: 'rw' }, 0],
  ];
  for (const [name, request, result] of cases) it(name, () => assert.equal(run(deviceProgram(rules), request), result));
  it('denies everything without rules', () => assert.equal(run(deviceProgram([]), { kind: 'character', device: [1, 3], access: 'r' }), 0));
});
