import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { shmBytes, shmMount } from './share-plan.ts';

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

describe('shmMount', () => {
  const cases: [name: string, given: string[], options: string[]][] = [
    ['as containers have it', ['rbind', 'rprivate'], ['rbind', 'nosuid', 'nodev', 'noexec']],
    ['with programs', ['nosuid', 'nodev', 'exec', 'size=1g'], ['rbind', 'nosuid', 'nodev']],
    ['read-only', ['ro'], ['rbind', 'nosuid', 'nodev', 'noexec', 'ro']],
  ];
  for (const [name, given, options] of cases) it(name, () => assert.deepEqual(shmMount(given).options, options));
});
