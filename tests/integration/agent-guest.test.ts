/** The agent's calls about the guest: resources, events, files, network, namespaces, storage. Valid and invalid requests. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { AgentOnHost, refusal } from './agent-on-host.ts';
import { until } from '../support/until.ts';

const MiB = 1n << 20n;

describe('kata-agent: guest', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  before(async () => (host = await AgentOnHost.start()));
  after(() => host.stop());

  describe('resources', () => {
    it('reports statistics', async () => {
      const id = await host.run(['sh', '-c', 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; sleep 100'], {
        Linux: { Resources: { Memory: { Limit: 64n * MiB }, Pids: { Limit: 20n } } },
      });
      await host.agent.call('readStdout', { container_id: id, exec_id: id, len: 10 });
      const { cgroup_stats: stats, network_stats } = await host.agent.call('statsContainer', { container_id: id });
      assert.ok((stats?.cpu_stats?.cpu_usage?.total_usage ?? 0n) > 0n);
      assert.equal(stats?.memory_stats?.usage?.limit, 64n * MiB);
      assert.ok((stats.memory_stats.usage.usage ?? 0n) > 0n);
      assert.ok('rss' in stats.memory_stats.stats);
      assert.deepEqual([stats.pids_stats?.limit, network_stats], [20n, []]);
      assert.ok((stats.pids_stats?.current ?? 0n) >= 1n);
      await host.remove(id);
      assert.deepEqual(await refusal(host.agent.call('statsContainer', { container_id: id })), [5, `Container ${id} not found`]);
    });

    it('an update changes only the limits in the request', async () => {
      const id = await host.run(['sleep', '100'], { Linux: { Resources: { Memory: { Limit: 64n * MiB }, CPU: { Shares: 512n } } } });
      const resources = { Memory: { Limit: 96n * MiB }, Pids: { Limit: 33n }, CPU: { Quota: 50_000n, Period: 100_000n } };
      await host.agent.call('updateContainer', { container_id: id, resources });
      const read = (controller: string, name: string): string => host.cgroupFile(id, controller, name);
      assert.equal(read('memory', 'memory.limit_in_bytes'), String(96n * MiB));
      assert.equal(read('pids', 'pids.max'), '33');
      assert.deepEqual([read('cpu', 'cpu.cfs_quota_us'), read('cpu', 'cpu.shares')], ['50000', '512']);
      const [code, text] = await refusal(
        host.agent.call('updateContainer', { container_id: id, resources: { CPU: { Cpus: 'not a list' } } }),
      );
      assert.deepEqual([code, text], [2, 'invalid cpuset "not a list"']);
      await host.remove(id);
    });

    it('a CPU set with CPUs that the guest does not have becomes all CPUs of the guest', async () => {
      const id = await host.run(['sleep', '100'], { Linux: { Resources: { CPU: { Cpus: '100-101' } } } });
      assert.equal(host.cgroupFile(id, 'cpuset', 'cpuset.cpus'), readFileSync('/sys/devices/system/cpu/online', 'utf8').trim());
      await host.remove(id);
    });

    it('a container that is OOM-killed exits with 137, and GetOOMEvent returns its id', async () => {
      const event = host.agent.call('getOOMEvent', {}, { deadlineMs: 20_000 });
      const spec = { Linux: { Resources: { Memory: { Limit: 16n * MiB, Swap: 16n * MiB } } } };
      // The shell survives the kill of its child, so the cgroup is still watched.
      const eat = 'sleep 0.3; dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; echo "dd: $?"; exit 137';
      const mounts = [
        { destination: '/proc', source: 'proc', type: 'proc', options: [] },
        { destination: '/dev', source: '/dev', type: 'bind', options: ['rbind'] },
      ];
      const id = await host.run(['sh', '-c', eat], { ...spec, Mounts: mounts });
      assert.equal(await host.output(id, id), 'dd: 137\n');
      const end = await host.agent.call('waitProcess', { container_id: id, exec_id: id }, { deadlineMs: 20_000 });
      assert.deepEqual([end, (await event).container_id], [{ status: 137, oom_killed: true }, id]);
      await host.remove(id);
    });
  });

  describe('files', () => {
    const copy = (path: string, data: string, options: { offset?: number; size?: number; file_mode?: number } = {}): Promise<unknown> =>
      host.agent.call('copyFile', {
        path,
        data: Buffer.from(data),
        file_size: BigInt(options.size ?? data.length),
        offset: BigInt(options.offset ?? 0),
        file_mode: options.file_mode ?? 0o640,
        dir_mode: 0o750,
        uid: 5,
        gid: 6,
      });
    const inState = (name: string): string => host.scratch.file(`state/${name}`);

    it('arrive in pieces, and exist once the last piece has arrived', async () => {
      await copy(inState('copied/file'), 'first ', { size: 12 });
      assert.equal(existsSync(inState('copied/file')), false);
      await copy(inState('copied/file'), 'second', { offset: 6, size: 12 });
      assert.equal(readFileSync(inState('copied/file'), 'utf8'), 'first second');
      const { mode, uid, gid } = statSync(inState('copied/file'));
      assert.deepEqual([mode & 0o7777, uid, gid, existsSync(inState('copied/file.tmp'))], [0o640, 5, 6, false]);
    });
    it('neither a path nor a link leads to a write outside of the directory', async () => {
      symlinkSync('/etc', inState('link'));
      for (const path of ['/etc/x', `${inState('')}/../../etc/x`, inState('link/x'), 'relative']) {
        const [code, text] = await refusal(copy(path, 'x'));
        assert.match(text, /^Only is possible to copy files into the .* directory$/, path);
        assert.equal(code, 2);
      }
      assert.equal(existsSync('/etc/x'), false);
    });
    it('a link in place of the file is replaced and not followed', async () => {
      symlinkSync('/etc/hostname', inState('trap.tmp'));
      assert.equal((await refusal(copy(inState('trap'), 'x')))[0], 2);
      assert.ok(lstatSync(inState('trap.tmp')).isSymbolicLink());
    });
    it('a negative size is refused', async () => assert.match((await refusal(copy(inState('n'), 'x', { size: -1 })))[1], /negative/));
  });

  describe('the guest itself', () => {
    it('GetGuestDetails', async () => {
      const details = await host.agent.call('getGuestDetails', { mem_block_size: true, mem_hotplug_probe: true });
      assert.equal(details.agent_details?.init_daemon, false);
      assert.deepEqual(details.agent_details.device_handlers, ['blk', 'scsi', 'mmioblk', 'nvdimm', 'spare-link']);
      const storages = ['9p', 'virtio-fs', 'blk', 'mmioblk', 'scsi', 'nvdimm', 'ephemeral', 'local'];
      assert.deepEqual(details.agent_details.storage_handlers, storages);
      assert.equal(details.agent_details.supports_seccomp, true);
    });
    it('CPUs that do not appear are an error if the call waits for them, and no error otherwise', async () => {
      await host.agent.call('onlineCPUMem', { wait: false, nb_cpus: 1, cpu_only: true });
      assert.deepEqual(await refusal(host.agent.call('onlineCPUMem', { wait: true, nb_cpus: 0, cpu_only: true })), [
        2,
        "requested number of CPUs '0' must be greater than 0",
      ]);
      await host.agent.call('onlineCPUMem', { wait: true, nb_cpus: 0, cpu_only: false });
    });
    it('ReseedRandomDev', async () => {
      await host.agent.call('reseedRandomDev', { data: Buffer.alloc(32, 7) });
      assert.deepEqual(await refusal(host.agent.call('reseedRandomDev', {})), [2, 'missing entropy data']);
    });
    it('a negative date is refused', async () => {
      const [code, text] = await refusal(host.agent.call('setGuestDateTime', { Sec: 1n, Usec: 5_000_000n }));
      assert.equal(code, 13);
      assert.match(text, /^Could not set guest time: /);
    });
    it('memory is plugged by the probe file only if that file exists', async () => {
      const result = await refusal(host.agent.call('memHotplugByProbe', { memHotplugProbeAddr: [] }));
      assert.deepEqual(result, [0, '']);
    });
    it('a shell in the guest is refused', async () => {
      assert.deepEqual(await refusal(host.exec('.guest', 'shell', ['sh'])), [7, 'the guest was started without agent.debug_shell']);
    });
    it("tracing has 1.x's states", async () => {
      const [start, stop] = (['startTracing', 'stopTracing'] as const).map((name) => () => refusal(host.agent.call(name, {})));
      assert.deepEqual(await stop?.(), [9, 'tracing not enabled']);
      assert.deepEqual(await start?.(), [0, '']);
      assert.deepEqual(await start?.(), [9, 'tracing already enabled']);
      assert.deepEqual(await stop?.(), [0, '']);
      assert.deepEqual(await stop?.(), [9, 'tracing already disabled']);
    });
  });

  describe('storage', () => {
    it('is mounted for the first container and unmounted with the last', async () => {
      const mount_point = host.scratch.file('state/shared-memory');
      const storages = [{ driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point, options: ['size=1m'] }];
      const Mounts = [{ destination: '/mnt', source: mount_point, type: 'bind', options: ['bind'] }];
      const [first, second] = [
        await host.run(['sh', '-c', 'echo shared > /mnt/file; sleep 100'], { Mounts }, { storages }),
        await host.create(['sh', '-c', 'until [ -s /mnt/file ]; do :; done; cat /mnt/file'], { Mounts }, { storages }),
      ];
      await host.agent.call('startContainer', { container_id: second });
      assert.equal(await host.output(second, second), 'shared\n');
      const isMounted = (): boolean => host.inside('cat', '/proc/mounts').includes(mount_point);
      await host.remove(first);
      assert.equal(isMounted(), true);
      await host.remove(second);
      assert.equal(isMounted(), false);
    });

    it('two concurrent removals of one container release its storages once', async () => {
      const mount_point = host.scratch.file('state/removed-twice');
      const storages = [{ driver: 'ephemeral', source: 'tmpfs', fstype: 'tmpfs', mount_point, options: ['size=1m'] }];
      const [first, second] = [await host.run(['sleep', '100'], {}, { storages }), await host.run(['sleep', '100'], {}, { storages })];
      const isMounted = (): boolean => host.inside('cat', '/proc/mounts').includes(mount_point);
      const outcomes = await Promise.all([1, 2].map(() => refusal(host.remove(first))));
      for (const [code] of outcomes) assert.ok(code === 0 || code === 5, String(code));
      assert.equal(
        outcomes.some(([code]) => code === 0),
        true,
      );
      assert.equal(isMounted(), true);
      await host.remove(second);
      assert.equal(isMounted(), false);
      assert.equal((await refusal(host.remove(first)))[0], 5);
    });
  });

  describe('PID namespaces', () => {
    const namespaceOf = (pid: number): string => readlinkSync(`/proc/${pid}/ns/pid`);
    const proc = [{ destination: '/proc', source: 'proc', type: 'proc', options: [] }];

    it("a container in the agent's PID namespace sees the agent", async () => {
      const { stdout } = await host.outcome(['ps'], { Mounts: proc }, { agent_pidns: true });
      assert.match(stdout, /kata-agent/);
    });
    it('without a pause process, containers that request it share the PID namespace of the first container', async () => {
      await host.agent.call('destroySandbox', {});
      await host.agent.call('createSandbox', {});
      const first = await host.run(['sleep', '101'], { Mounts: proc });
      const sharing = await host.outcome(['ps'], { Mounts: proc }, { sandbox_pidns: true });
      assert.match(sharing.stdout, /sleep 101/);
      const own = await host.outcome(['ps'], { Mounts: proc });
      assert.doesNotMatch(own.stdout, /sleep 101/);
      await host.remove(first);
    });
    it('with a pause process, all containers share its PID namespace, and orphans are reaped', async () => {
      await host.agent.call('destroySandbox', {});
      const before = host.descendants;
      await host.agent.call('createSandbox', { sandbox_pidns: true });
      const first = await host.run(['sleep', '102'], { Mounts: proc });
      await host.exec(first, 'orphan', ['sh', '-c', 'sh -c "sleep 0.1 & exit" ; exit 0']);
      await host.wait(first, 'orphan');
      const script = 'while ps | grep -v grep | grep -q "sleep 0.1"; do :; done; ps';
      const { stdout } = await host.outcome(['sh', '-c', script], { Mounts: proc });
      assert.match(stdout, /sleep 102/);
      assert.doesNotMatch(stdout, /\[sleep\]/);
      const inGuest = Number(host.inside('sh', '-c', 'pgrep -f "^sleep 102"').trim());
      assert.ok(inGuest > 0);
      assert.notEqual(namespaceOf(host.pid), '');
      await host.agent.call('destroySandbox', {});
      await until('the namespace is empty', () => host.descendants <= before);
    });
  });

  describe('hooks of the guest', () => {
    it('are run for each container', async () => {
      const directory = host.scratch.file('hooks');
      for (const kind of ['prestart', 'poststop']) {
        mkdirSync(join(directory, kind), { recursive: true });
        writeFileSync(join(directory, kind, 'hook'), `#!/bin/sh\necho "$0 $1" >> ${host.scratch.file('hooked')}\n`);
        chmodSync(join(directory, kind, 'hook'), 0o755);
        writeFileSync(join(directory, kind, 'no-program'), '');
      }
      symlinkSync('/bin/false', join(directory, 'prestart/link'));
      await host.agent.call('createSandbox', { guest_hook_path: directory });
      await host.outcome(['true']);
      assert.deepEqual(readFileSync(host.scratch.file('hooked'), 'utf8').split('\n'), [
        `${join(directory, 'prestart/hook')} prestart`,
        `${join(directory, 'poststop/hook')} poststop`,
        '',
      ]);
      await host.agent.call('destroySandbox', {});
    });
  });

  describe('kernel modules', () => {
    it('loading an existing module succeeds', async () => {
      const [built] = readdirSync('/sys/module');
      await host.agent.call('createSandbox', { kernel_modules: [{ name: built ?? '' }] });
      await host.agent.call('destroySandbox', {});
    });
    it('CreateSandbox fails for a module that does not exist', async () => {
      const kernel_modules = [{ name: 'no-such-module' }];
      const [code, text] = await refusal(host.agent.call('createSandbox', { kernel_modules }));
      assert.match(text, /^could not load module: /);
      assert.equal(code, 2);
      await host.agent.call('createSandbox', {});
    });
  });
});
