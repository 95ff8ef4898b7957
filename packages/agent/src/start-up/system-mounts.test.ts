import assert from 'node:assert/strict';
import { cgroupV1Mounts, enabledControllers, systemMounts } from './system-mounts-plan.ts';

describe('system mounts', () => {
  it('lists mount points after their parents', () => {
    const targets = systemMounts.map(({ target }) => target);
    for (const [child, parent] of [
      ['/dev/pts', '/dev'],
      ['/dev/shm', '/dev'],
    ] as const) {
      assert.ok(targets.indexOf(child) > targets.indexOf(parent), `${child} after ${parent}`);
    }
  });

  it('mounts one hierarchy for each enabled controller', () => {
    const table = '#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpuset\t0\t1\t1\nmemory\t0\t1\t0\npids\t0\t1\t1\n';
    assert.deepEqual(enabledControllers(table), ['cpuset', 'pids']);
    assert.deepEqual(
      cgroupV1Mounts(['cpuset', 'pids']).map(({ target, data }) => [target, data]),
      [
        ['/sys/fs/cgroup', 'mode=755'],
        ['/sys/fs/cgroup/cpuset', 'cpuset'],
        ['/sys/fs/cgroup/pids', 'pids'],
      ],
    );
  });
});
