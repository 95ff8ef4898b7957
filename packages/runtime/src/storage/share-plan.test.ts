import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { planShare, shmBytes, shmMount } from './share-plan.ts';
import type { ShareFacts } from './share-plan.ts';

describe('shmBytes', () => {
  const MIB = 1 << 20;
  const tmpfs = (...options: string[]): Mount[] => [{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }];
  const bind = (source: string): Mount[] => [{ destination: '/dev/shm', type: 'bind', source, options: ['rbind'] }];
  const capacityOf = (path: string): number | undefined => (path === '/host/shm' ? 9 * MIB : undefined);
  const isInTmpfs = (path: string): boolean => path === '/host/shm';
  const cases: [name: string, mounts: Mount[], bytes: number][] = [
    ['no mount of the engine', [], 64 * MIB],
    ['bytes', tmpfs('nosuid', 'size=8388608'), 8 * MIB],
    ['a suffix', tmpfs('size=65536k'), 64 * MIB],
    ['a capital suffix', tmpfs('size=2G'), 2048 * MIB],
    ['no size', tmpfs('nosuid'), 64 * MIB],
    ['a percentage of memory', tmpfs('size=50%'), 64 * MIB],
    ["the host's /dev/shm", bind('/host/shm'), 9 * MIB],
    ['a missing source on the host', bind('/nowhere'), 64 * MIB],
  ];
  for (const [name, mounts, bytes] of cases) it(name, () => assert.equal(shmBytes(mounts, { capacityOf, isInTmpfs }), bytes));
});

describe('shmMount', () => {
  const cases: [name: string, given: string[], options: string[]][] = [
    ["containers' default options", ['rbind', 'rprivate'], ['rbind', 'nosuid', 'nodev', 'noexec']],
    ['exec', ['nosuid', 'nodev', 'exec', 'size=1g'], ['rbind', 'nosuid', 'nodev']],
    ['read-only', ['ro'], ['rbind', 'nosuid', 'nodev', 'noexec', 'ro']],
  ];
  for (const [name, given, options] of cases) it(name, () => assert.deepEqual(shmMount(given).options, options));
});

describe('planShare', () => {
  const kinds: Record<string, 'directory' | 'file' | 'other'> = { '/dev/kvm': 'other', '/host/file': 'file' };
  const facts: ShareFacts = {
    kindOf: (path) => kinds[path] ?? 'directory',
    capacityOf: () => 1,
    isInTmpfs: (path) => path.startsWith('/run/') || path === '/dev/shm',
    hasWritableMountBelow: (path) => path === '/host/tree',
    containsShares: (path) => path === '/run',
    randomName: () => '0123456789abcdef',
  };
  const bind = (source: string, destination: string): Mount => ({ destination, source, type: 'bind', options: ['rbind'] });
  const sharedSources = (...mounts: Mount[]): string[] => planShare('c', mounts, facts).shared.map(({ source }) => source);

  const shared: [name: string, source: string, destination: string][] = [
    ['a directory that the host has in /dev, too', '/data/net', '/dev/net'],
    ["a directory of the host's /dev", '/dev/disk', '/dev/disk'],
    ['a volume at /dev/shm', '/data/files', '/dev/shm'],
    ['a volume at /dev/shm whose directory is named shm, as engines do', '/data/shm', '/dev/shm'],
    ['a file below /dev', '/host/file', '/dev/termination-log'],
  ];
  for (const [name, source, destination] of shared)
    it(`shares ${name}`, () => assert.deepEqual(sharedSources(bind(source, destination)), [source]));

  const kept: [name: string, source: string, destination: string][] = [
    ['device nodes', '/dev/kvm', '/dev/kvm'],
    ["the engine's shared memory", '/run/containers/c/shm', '/dev/shm'],
    ["the host's shared memory", '/dev/shm', '/dev/shm'],
    ['message queues', '/dev/mqueue', '/dev/mqueue'],
    ['all of /dev', '/dev', '/dev'],
    ['kernel file systems', '/sys/fs', '/host/sys'],
  ];
  for (const [name, source, destination] of kept)
    it(`leaves ${name} to the guest`, () => assert.deepEqual(sharedSources(bind(source, destination)), []));

  it("replaces the engine's shared memory by the sandbox's", () =>
    assert.deepEqual(planShare('c', [bind('/run/c/shm', '/dev/shm')], facts).mounts, [shmMount(['rbind'])]));

  it('gives a container with private shared memory a tmpfs of the size of the engine', () => {
    const options = ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=1'];
    const { mounts, shared } = planShare('c', [bind('/run/c/shm', '/dev/shm')], facts, { ownSharedMemory: true });
    assert.deepEqual([mounts, shared], [[{ destination: '/dev/shm', type: 'tmpfs', source: 'shm', options }], []]);
  });

  it('uses a volume of the pod at /dev/shm as shared memory', () => {
    const volume = bind('/run/kata-containers/sandbox/ephemeral/cache', '/dev/shm');
    assert.deepEqual(planShare('c', [volume], facts, { inGuest: new Set([volume]) }).mounts, [volume]);
  });

  const names: [source: string, name: string][] = [
    ['/host/file', 'file'],
    ['/host/tree/', 'tree'],
    ['/', 'root'],
  ];
  for (const [source, name] of names)
    it(`names the mount of ${source} like its source, in a directory of its own`, () => {
      const { shared, mounts } = planShare('c', [bind(source, '/v')], facts);
      const path = `c-0123456789abcdef/${name}`;
      assert.deepEqual([shared[0]?.name, mounts[0]?.source], [path, `/run/kata-containers/shared/containers/${path}`]);
    });

  const readOnly: [source: string, options: string[], part: string, guest: string[]][] = [
    ['/host/plain', ['rbind', 'ro'], 'top', ['rbind', 'ro']],
    ['/host/tree', ['rbind', 'ro'], 'top', ['rbind']],
    ['/host/tree', ['bind', 'ro'], 'top', ['bind', 'ro']],
    ['/host/tree', ['rbind', 'rro'], 'all', ['rbind', 'rro']],
    ['/host/tree', ['rbind', 'ro', 'rw'], 'none', ['rbind', 'ro', 'rw']],
    ['/host/plain', ['rbind', 'ro', 'rslave'], 'top', ['rbind', 'rslave']],
  ];
  for (const [source, options, part, guest] of readOnly)
    it(`${source} with ${options.join(',')}: read-only in the guest only if no mount below is writable`, () => {
      const { shared, mounts } = planShare('c', [{ destination: '/v', source, type: 'bind', options }], facts);
      assert.deepEqual([shared[0]?.readonly, mounts[0]?.options], [part, guest]);
    });

  const propagations: [source: string, options: string[], laterMounts: boolean][] = [
    ['/host/plain', ['rbind'], false],
    ['/host/plain', ['rbind', 'rprivate'], false],
    ['/host/plain', ['rbind', 'rslave'], true],
    ['/host/plain', ['bind', 'slave'], true],
    ['/host/plain', ['rbind', 'rshared'], true],
    ['/host/plain', ['rbind', 'rslave', 'private'], false],
    ['/run', ['rbind', 'rslave'], false],
  ];
  for (const [source, options, laterMounts] of propagations)
    it(`${source} with ${options.join(',')}: later mounts of the host ${laterMounts ? 'appear' : 'do not appear'}`, () => {
      const { shared } = planShare('c', [{ destination: '/v', source, type: 'bind', options }], facts);
      assert.equal(shared[0]?.laterMounts, laterMounts);
    });
});
