import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { diskFacts, findDisk, hostPlaces } from './host-disks.ts';
import type { DiskPlaces } from './host-disks.ts';

describe('block devices of the host', () => {
  let root = '';
  let places: DiskPlaces;
  /** Device numbers of the nodes in the fake /dev. */
  let numbers: Record<string, string>;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'disks-'));
    numbers = {};
    places = { sys: join(root, 'sys'), dev: join(root, 'dev'), numberAt: (path) => numbers[path] };
    mkdirSync(places.dev);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** A device in sysfs, with a node of that name. */
  function add(number: string, name: string, { size = 8, ro = 0, kind = '' } = {}): string {
    const directory = join(places.sys, 'dev/block', number);
    mkdirSync(join(directory, kind), { recursive: true });
    writeFileSync(join(directory, 'uevent'), `MAJOR=1\nDEVNAME=${name}\nDEVTYPE=disk\n`);
    writeFileSync(join(directory, 'size'), `${size}\n`);
    writeFileSync(join(directory, 'ro'), `${ro}\n`);
    const node = join(places.dev, name);
    writeFileSync(node, '');
    numbers[node] = number;
    return node;
  }
  const wanted = (number: string, hint: string) => ({ number, hint, isReadonly: false, isMounted: false });

  it('recognises device-mapper and loop devices', () => {
    add('253:1', 'dm-1', { kind: 'dm' });
    add('7:5', 'loop5', { kind: 'loop' });
    add('8:0', 'sda');
    const { kindOf } = diskFacts(places);
    assert.deepEqual(['253:1', '7:5', '8:0', '9:9'].map(kindOf), ['device-mapper', 'loop', undefined, undefined]);
  });

  it('detects a read-only device', () => {
    add('7:5', 'loop5', { ro: 1 });
    add('7:6', 'loop6');
    assert.deepEqual(['7:5', '7:6', '9:9'].map(diskFacts(places).isReadonly), [true, false, false]);
  });

  it('have no number if the path is not a block device', () => {
    assert.deepEqual(['/nowhere', '/', '/dev/null'].map(hostPlaces.numberAt), [undefined, undefined, undefined]);
  });

  it('uses the requested path if it is the node of the device', () => {
    const node = add('253:1', 'dm-1');
    assert.equal(findDisk(wanted('253:1', node), places).path, node);
  });
  it("otherwise uses the kernel's name", () => {
    const node = add('253:1', 'dm-1');
    assert.equal(findDisk(wanted('253:1', '/dev/in-the-container'), places).path, node);
  });

  const refused: [name: string, prepare: () => void, text: RegExp][] = [
    ['missing', () => {}, /^the host has no block device 7:5 \(\/dev\/x\)$/],
    ['without a node', () => delete numbers[add('7:5', 'loop5')], /^block device 7:5 \(\/dev\/x\) has no node .*\/dev\/loop5$/],
    ['the node of another device', () => (numbers[add('7:5', 'loop5')] = '7:6'), /has no node/],
    ['empty', () => add('7:5', 'loop5', { size: 0 }), /^block device .*\/loop5 is empty: nothing is attached to it$/],
    ['impossible to open', () => rmSync(add('7:5', 'loop5')), /^block device .*\/loop5 cannot be opened \(ENOENT\)$/],
  ];
  for (const [name, prepare, message] of refused)
    it(`refuses a device that is ${name}`, () => {
      prepare();
      assert.throws(() => findDisk(wanted('7:5', '/dev/x'), places), { message });
    });
});
