import assert from 'node:assert/strict';
import type { Mount } from '@kata-containers/common/oci/spec';
import { planPodVolumes } from './pod-volume-plan.ts';

describe('planPodVolumes', () => {
  const kubelet = '/var/lib/kubelet/pods/1/volumes/kubernetes.io~empty-dir';
  const volume = (name: string, destination = `/${name}`): Mount => ({
    destination,
    type: 'bind',
    source: `${kubelet}/${name}`,
    options: ['rbind', 'rw'],
  });
  const plan = (...mounts: Mount[]) => planPodVolumes('pod', mounts, (path) => path === `${kubelet}/fast`);

  it('of medium Memory: a tmpfs of the guest', () => {
    const { storages, mounts } = plan(volume('fast'));
    const point = '/run/kata-containers/sandbox/ephemeral/fast';
    assert.deepEqual(storages, [{ driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point: point, options: [] }]);
    assert.deepEqual(mounts, [{ ...volume('fast'), source: point }]);
  });

  it("on disk: a directory in the pause container's root file system", () => {
    const { storages, mounts } = plan(volume('big'));
    const point = '/run/kata-containers/shared/containers/pod/rootfs/local/big';
    assert.deepEqual(storages, [{ driver: 'local', source: 'local', fstype: 'local', mount_point: point, options: ['mode=0777'] }]);
    assert.deepEqual(mounts, [{ ...volume('big'), source: point }]);
  });

  it('mounted twice is provided once', () => {
    const { storages, mounts, inGuest } = plan(volume('big'), volume('big', '/again'));
    assert.deepEqual([storages.length, mounts.length, inGuest.size], [1, 2, 2]);
  });

  it('leaves all other mounts as they are', () => {
    const others: Mount[] = [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/data', type: 'bind', source: '/srv/kubernetes.io~empty-dir', options: ['rbind'] },
      { destination: '/bare', type: 'tmpfs' },
    ];
    assert.deepEqual(plan(...others), { storages: [], mounts: others, inGuest: new Set() });
  });
});
