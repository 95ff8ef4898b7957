import assert from 'node:assert/strict';
import { ageText, templateRows } from './template-list.ts';

describe('templateRows', () => {
  const template = {
    key: '0123456789abcdef',
    bytes: 175 * (1 << 20) - 1,
    madeMs: 1_000_000,
    isFresh: true,
    memory: '/t/0123456789abcdef/memory',
  };
  it('contain size, age, running clones and state', () => {
    const running = [
      'qemu\0-object\0memory-backend-file,id=m,mem-path=/t/0123456789abcdef/memory,size=1\0',
      'qemu\0mem-path=/t/other/memory,\0',
    ];
    const [header, row] = templateRows([template], 1_000_000 + 7_200_000, running);
    assert.deepEqual(header, ['TEMPLATE', 'SIZE', 'AGE', 'CLONES', 'STATE']);
    assert.deepEqual(row, ['0123456789abcdef', '175 MiB', '2 h', '1', 'usable']);
  });
  it('mark an outdated template', () =>
    assert.deepEqual(templateRows([{ ...template, isFresh: false }], 0, [])[1]?.slice(2), ['0 s', '0', 'outdated']));
  for (const [seconds, text] of [
    [5, '5 s'],
    [60, '1 min'],
    [7199, '1 h'],
    [90_000, '1 d'],
  ] as const)
    it(`${seconds} s are ${text}`, () => assert.equal(ageText(seconds), text));
});
