import assert from 'node:assert/strict';
import { keyPlaces } from './key-places.ts';

const place = (text: string, key: string): unknown[] => {
  const { line, keyColumn, valueColumn, text: value } = keyPlaces(text).get(key) ?? { line: 0, keyColumn: 0, valueColumn: 0, text: '' };
  return [line, keyColumn, valueColumn, value];
};

describe('keyPlaces', () => {
  const cases: [name: string, text: string, key: string, expected: unknown[]][] = [
    ['a key of a table', '# x\n[hypervisor.qemu]\n  path = "/q" # our own\n', 'hypervisor.qemu.path', [3, 3, 10, '"/q"']],
    ['a table', '\n [factory]\n', 'factory', [2, 3, 3, '[factory]']],
    ['a dotted key', 'hypervisor.qemu.default_memory=5', 'hypervisor.qemu.default_memory', [1, 1, 32, '5']],
    ['quoted parts', '["hypervisor"."qemu"]\n"path" = 1', 'hypervisor.qemu.path', [2, 1, 10, '1']],
    ['a number sign in a string', '[a]\nb = "x # y"', 'a.b', [2, 1, 5, '"x # y"']],
    ['a list over several lines', '[a]\nb = [ # two\n "c = 1",\n]\nd = 2', 'a.d', [5, 1, 5, '2']],
    ['a key after Windows line ends', '[a]\r\nb = 1\r\n', 'a.b', [2, 1, 5, '1']],
    ['a long value is cut', `a = "${'x'.repeat(100)}"`, 'a', [1, 1, 5, `"${'x'.repeat(59)}…`]],
  ];
  for (const [name, text, key, expected] of cases) it(name, () => assert.deepEqual(place(text, key), expected));

  it('ignores lines of a multi-line string', () => {
    assert.deepEqual([...keyPlaces('a = """\nb = 1\n"""\nc = 2').keys()], ['a', 'c']);
  });
  it('ignores commented keys', () => assert.deepEqual([...keyPlaces('#a = 1').keys()], []));
});
