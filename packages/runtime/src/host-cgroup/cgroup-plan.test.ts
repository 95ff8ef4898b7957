import assert from 'node:assert/strict';
import { cgroupPath, cpusetPlan, planCgroup } from './cgroup-plan.ts';

describe('cgroupPath', () => {
  const cases: [given: string | undefined, path: string][] = [
    ['/docker/ID', '/docker/kata_ID'],
    ['/kubepods/burstable/podX/ID', '/kubepods/burstable/podX/kata_ID'],
    ['system.slice:docker:ID', '/system.slice/kata_docker-ID.scope'],
    ['kubepods-burstable-podX.slice:crio:ID', '/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-podX.slice/kata_crio-ID.scope'],
    [':docker:ID', '/system.slice/kata_docker-ID.scope'],
    ['relative/ID', '/vc/relative/kata_ID'],
    ['', '/vc/kata_box'],
    [undefined, '/vc/kata_box'],
    ['/../../ID', '/kata_ID'],
    ['../../x.slice:docker:ID', '/x.slice/kata_docker-ID.scope'],
    ['system.slice:../../docker:ID/..', '/system.slice/kata_..-..-docker-ID-...scope'],
    ['-.slice:docker:ID', '/kata_docker-ID.scope'],
  ];
  for (const [given, path] of cases) it(String(given), () => assert.equal(cgroupPath(given, { id: 'box', isExact: false }), path));

  const exact: [given: string, path: string][] = [
    ['/kubepods/podX/crio-ID', '/kubepods/podX/crio-ID'],
    ['kubepods-podX.slice:crio:ID', '/kubepods.slice/kubepods-podX.slice/crio-ID.scope'],
    ['/../crio-ID', '/crio-ID'],
  ];
  for (const [given, path] of exact) it(`${given}, exactly`, () => assert.equal(cgroupPath(given, { id: 'box', isExact: true }), path));
});

describe('planCgroup', () => {
  const mount = (point: string, type: string, options: string): string =>
    `30 20 0:25 / ${point} rw,nosuid shared:9 - ${type} ${type} rw,${options}`;
  const v1 = [
    mount('/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
    mount('/sys/fs/cgroup/memory', 'cgroup', 'memory'),
    mount('/sys/fs/cgroup/systemd', 'cgroup', 'name=systemd'),
    mount('/sys/fs/cgroup/freezer', 'cgroup', 'freezer'),
  ];
  const v2 = mount('/sys/fs/cgroup', 'cgroup2', 'nsdelegate');
  const hybrid = mount('/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate');
  const roots = ['/sys/fs/cgroup/cpu,cpuacct', '/sys/fs/cgroup/memory'];
  const directories = roots.map((root) => `${root}/d/kata_x`);

  it('version 1: each hierarchy with statistics', () =>
    assert.deepEqual(planCgroup(v1.join('\n'), '/d/kata_x'), { version: 1, roots, directories }));
  it('version 1 with an empty version 2', () => assert.equal(planCgroup([hybrid, ...v1].join('\n'), '/d/kata_x')?.version, 1));
  it('version 2', () =>
    assert.deepEqual(planCgroup(`${mount('/tmp', 'tmpfs', 'x')}\n${v2}\n`, '/d/kata_x'), {
      version: 2,
      roots: ['/sys/fs/cgroup'],
      directories: ['/sys/fs/cgroup/d/kata_x'],
    }));
  it('without cgroups', () => assert.equal(planCgroup(mount('/tmp', 'tmpfs', 'x'), '/x'), undefined));
});

describe('cpusetPlan', () => {
  const mount = (name: string): string => `30 20 0:25 / /c/${name} rw - cgroup cgroup rw,${name}`;
  const mounts = [mount('cpu,cpuacct'), mount('cpuset')].join('\n');
  for (const whole of [false, true])
    it(`version 1: the same path of another hierarchy, with all above it${whole ? ', for a sandbox as a whole too' : ''}`, () =>
      assert.deepEqual(cpusetPlan(mounts, '/c/cpu,cpuacct/d/kata_x', 1, whole), {
        version: 1,
        directories: ['/c/cpuset/d', '/c/cpuset/d/kata_x'],
        controls: [],
        members: 'tasks',
      }));
  it('version 1 without the controller', () => assert.equal(cpusetPlan(mount('cpu'), '/c/cpu/kata_x', 1, false), undefined));
  it("version 2: the vCPUs' cgroup", () =>
    assert.deepEqual(cpusetPlan('', '/c/kata_x', 2, false), {
      version: 2,
      directories: ['/c/kata_x/vcpus'],
      controls: ['/c/kata_x/cgroup.subtree_control'],
      members: 'cgroup.threads',
    }));
  it('version 2: the cgroup of the whole sandbox, which contains its processes', () =>
    assert.deepEqual(cpusetPlan('', '/c/kata_x', 2, true), { version: 2, directories: ['/c/kata_x'], controls: [] }));
});
