import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageHead } from '../../../../packaging/image/nvdimm-header.ts';
import { pmemImage } from './pmem-image.ts';

const MIB = 1 << 20;

describe('the image of an NVDIMM behind a loop device', () => {
  let root = '';
  const file = (): string => join(root, 'image');
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'pmem-'));
    writeFileSync(file(), imageHead(MIB));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** The kernel's sysfs attributes of the device. */
  function loop(attributes: Readonly<Record<string, string | number>>): void {
    const directory = join(root, 'sys/dev/block/7:5/loop');
    mkdirSync(directory, { recursive: true });
    const all = { backing_file: file(), offset: 2 * MIB, sizelimit: 0, ...attributes };
    for (const [name, value] of Object.entries(all)) writeFileSync(join(directory, name), `${value}\n`);
  }
  const found = () => pmemImage('7:5', { sys: join(root, 'sys') });

  it('is recognised by its header', () => {
    loop({});
    const { dev, ino } = statSync(file());
    assert.deepEqual(found(), { path: file(), number: `file ${dev}:${ino}` });
  });

  const none: [name: string, attributes: Readonly<Record<string, string | number>>][] = [
    ['the device has more than the data', { offset: 0 }],
    ['the device has a part of the data', { sizelimit: MIB }],
    ['the file was removed', { backing_file: '/nonexistent/image (deleted)' }],
    ['the backing file is not a regular file', { backing_file: '/dev/null' }],
  ];
  for (const [name, attributes] of none)
    it(`is rejected: ${name}`, () => {
      loop(attributes);
      assert.equal(found(), undefined);
    });

  for (const [name, text] of [
    ['another file', 'x'.repeat(8192)],
    ['a short file', 'x'],
  ] as const)
    it(`is rejected: ${name}`, () => {
      writeFileSync(file(), text);
      loop({});
      assert.equal(found(), undefined);
    });

  it('is rejected: no loop device', () => assert.equal(pmemImage('8:0', { sys: join(root, 'sys') }), undefined));
});
