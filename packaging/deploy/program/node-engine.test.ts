import assert from 'node:assert/strict';
import { parseEngine } from './node-engine.ts';

describe('parseEngine', () => {
  for (const [text, engine] of [
    ['containerd://1.6.20~ds1', { name: 'containerd', major: 1, unit: 'containerd' }],
    ['containerd://2.1.4', { name: 'containerd', major: 2, unit: 'containerd' }],
    ['containerd://v2.0.0-beta.1', { name: 'containerd', major: 2, unit: 'containerd' }],
    ['cri-o://1.32.1', { name: 'cri-o', major: 1, unit: 'crio' }],
  ] as const)
    it(text, () => assert.deepEqual(parseEngine(text), engine));
  for (const text of ['docker://20.10.5', '', 'containerd'])
    it(`refuses "${text}"`, () => assert.throws(() => parseEngine(text), /supports containerd and cri-o/));
});
