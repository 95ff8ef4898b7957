import assert from 'node:assert/strict';
import { packDevice, unpackDevice } from './device-number.ts';

describe('device numbers', () => {
  const cases: [name: string, packed: number, major: number, minor: number][] = [
    ['/dev/null', 0x103, 1, 3],
    ['a minor above 255', 0x12300845, 8, 0x12345],
    ['the largest of both', 0xffffffff, 0xfff, 0xfffff],
  ];
  for (const [name, packed, major, minor] of cases) {
    it(name, () => {
      assert.deepEqual(unpackDevice(packed), { major, minor });
      assert.equal(packDevice({ major, minor }), BigInt(packed));
    });
  }
});
