import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { shmBytes } from './share-plan.ts';

describe('shmBytes', () => {
  const MIB = 1 << 20;
  const tmpfs = (...options: string[]): Mount[] => [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }];
  const bind = (source: string): Mount[] => [{ destination: '/dev/shm', type: 'bind', source, options: ['rbind'] }];
  const capacityOf = (path: string): number | undefined => (path === '/host/shm' ? 9 * MIB : undefined);
  const cases: [name: string, mounts: Mount[], bytes: number][] = [
    ['no mount of the engine', [], 64 * MIB],
    ['bytes', tmpfs('nosuid', 'size=8388608'), 8 * MIB],
    ['a suffix', tmpfs('size=65536k'), 64 * MIB],
    ['a capital suffix', tmpfs('size=2G'), 2048 * MIB],
    ['no size', tmpfs('nosuid'), 64 * MIB],
    ['a share of memory', tmpfs('size=50%'), 64 * MIB],
    ["the host's", bind('/host/shm'), 9 * MIB],
    ["one of the host's that is missing", bind('/nowhere'), 64 * MIB],
  ];
  for (const [name, mounts, bytes] of cases) it(name, () => assert.equal(shmBytes(mounts, { capacityOf }), bytes));
});
