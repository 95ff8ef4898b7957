import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { planPodVolumes } from './pod-volume-plan.ts';
import type { VolumeFacts } from './pod-volume-plan.ts';

describe('planPodVolumes', () => {
  const kubelet = '/var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir';
  const volume = (name: string, destination = `/${name}`): Mount => ({
    destination,
    type: 'bind',
    source: `${kubelet}/${name}`,
    options: ['rbind', 'rw'],
  });
  const facts = (owner: { gid: number; mode: number }): VolumeFacts => ({
    tmpfsOptions: (path) => (path === `${kubelet}/fast` ? ['rw', 'size=65536k', 'inode64'] : undefined),
    ownerOf: () => owner,
  });
  const plan = (...mounts: Mount[]) => planPodVolumes('pod', mounts, facts({ gid: 0, mode: 0o777 }));

  it('makes a tmpfs of the guest for medium Memory', () => {
    const { storages, mounts } = plan(volume('fast'));
    const point = '/run/kata-containers/sandbox/ephemeral/fast';
    const options = ['mode=0777', 'size=65536k'];
    assert.deepEqual(storages, [{ driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: point, options }]);
    assert.deepEqual(mounts, [{ ...volume('fast'), source: point }]);
  });

  it("makes a directory in the pause container's root file system for other media", () => {
    const { storages, mounts } = plan(volume('big'));
    const point = '/run/kata-containers/shared/containers/pod/rootfs/local/big';
    assert.deepEqual(storages, [{ driver: 'local', source: 'local', fstype: 'local', mount_point: point, options: ['mode=0777'] }]);
    assert.deepEqual(mounts, [{ ...volume('big'), source: point }]);
  });

  it('sets group and setgid bit in a pod with fsGroup', () => {
    const { storages } = planPodVolumes('pod', [volume('fast'), volume('big')], facts({ gid: 2000, mode: 0o2777 }));
    assert.deepEqual(
      storages.map(({ options }) => options),
      [
        ['mode=2777', 'gid=2000', 'size=65536k'],
        ['mode=2777', 'fsgid=2000'],
      ],
    );
  });

  it('makes a volume with two mounts once', () => {
    const { storages, mounts, inGuest } = plan(volume('big'), volume('big', '/again'));
    assert.deepEqual([storages.length, mounts.length, inGuest.size], [1, 2, 2]);
  });

  it('does not change other mounts', () => {
    const others: Mount[] = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/data', type: 'bind', source: '/srv/kubernetes.io~empty-dir', options: ['rbind'] },
      { destination: '/bare', type: 'tmpfs' },
    ];
    assert.deepEqual(plan(...others), { storages: [], mounts: others, inGuest: new Set() });
  });
});
