/** The size of a VM, and its limits on the host, follow the limits of its containers. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime, stage, variant } from '../support/staged.ts';

/** The hierarchies of version 1 on this machine. */
const group = (controller: string, id: string, below = ''): string => `/sys/fs/cgroup/${controller}/docker/kata_${id}${below}`;
const read = (path: string): string => readFileSync(path, 'latin1').trim();

describe('resources of a VM', function () {
  this.timeout(60_000);
  let engine: Engine;
  onCleanMachine(async () => {
    const only = variant(stage, 'kata-cgroup-only', (toml) => toml.replace(/^#?sandbox_cgroup_only = .*$/m, 'sandbox_cgroup_only = true'));
    const booted = variant(stage, 'kata-booted', (toml) => toml.replace('enable_template = true', 'enable_template = false'));
    return (engine = await Engine.start({ 'kata-runtime': kataRuntime, only, booted }, 'kata-runtime'));
  });
  afterEach(async () => {
    await engine.docker(['rm', '-f', 'box']);
  });

  const run = (...args: string[]): Promise<Outcome> => engine.docker(['run', '--rm', ...args]);
  async function start(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await engine.docker(['run', '-d', '--name', 'box', ...args]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }
  const inside = async (...args: string[]): Promise<string> => (await engine.docker(['exec', 'box', ...args])).stdout.trim();
  const update = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await engine.docker(['update', ...args, 'box']);
    assert.equal(code, 0, stderr);
  };
  const memoryMiB = async (): Promise<number> => Number((await inside('sh', '-c', "free -m | awk '/Mem/ { print $2 }'")).trim());
  const threads = (id: string): string[] =>
    read(group('cpu', id, '/vcpus/tasks'))
      .split('\n')
      .filter(Boolean);
  const qemu = (id: string): number => Number(read(`/run/vc/vm/${id}/pid`));

  it('the template that the first container makes is not accounted to a container', async () => {
    const usage = async (): Promise<number> => {
      const id = await start('busybox', 'sleep', '1000');
      const bytes = Number(read(group('memory', id, '/memory.usage_in_bytes')));
      await engine.docker(['rm', '-f', 'box']);
      return bytes;
    };
    const [first, second] = [await usage(), await usage()];
    assert.ok(first < second + (40 << 20), `${first >> 20} MiB, then ${second >> 20} MiB`); // a template has some hundred
  });

  it('without limits a VM has the configured size; --cpus 1 adds one vCPU', async () => {
    assert.equal((await run('busybox', 'nproc')).stdout, '1\n');
    assert.equal((await run('--cpus', '1', 'busybox', 'nproc')).stdout, '2\n');
  });

  it('a booted VM grows too', async () => {
    const { stdout } = await run('--runtime', 'booted', '--cpus', '1', '-m', '300m', 'busybox', 'sh', '-c', 'nproc; free -m');
    const [cpus, , memory = ''] = stdout.split('\n');
    assert.equal(cpus, '2');
    const total = Number(memory.trim().split(/ +/)[1]);
    assert.ok(total > 1900 + 384 && total < 2048 + 384, memory);
  });

  it('update grows the VM; lower limits return vCPUs, but no memory', async () => {
    const id = await start('busybox', 'sleep', '1000');
    const base = await memoryMiB();
    assert.ok(!existsSync(group('cpu', id, '/vcpus')));
    await update('--cpus', '1.5', '-m', '200m', '--memory-swap', '200m');
    const vcpus = Math.min(3, cpus().length); // a VM has at most as many as the host
    assert.equal(await inside('nproc'), String(vcpus));
    assert.equal(await memoryMiB(), base + 256);
    assert.deepEqual([read(group('cpu', id, '/vcpus/cpu.cfs_quota_us')), threads(id).length], ['150000', vcpus]);
    await update('-m', '500m', '--memory-swap', '500m');
    assert.equal(await memoryMiB(), base + 512);
    await update('-m', '100m', '--memory-swap', '100m', '--cpus', '0.25');
    assert.equal(await memoryMiB(), base + 512);
    assert.equal(read(group('cpu', id, '/vcpus/cpu.cfs_quota_us')), '25000');
    assert.equal(await inside('cat', '/sys/fs/cgroup/memory/memory.limit_in_bytes'), String(100 << 20));
  });

  it('the quota limits the vCPUs on the host, but not the other threads of QEMU', async () => {
    const id = await start('--cpus', '0.3', 'busybox', 'sh', '-c', 'while :; do :; done');
    const ticks = (): number => {
      const fields = read(`/proc/${qemu(id)}/stat`)
        .replace(/^.*\) /, '')
        .split(' ');
      return Number(fields[11]) + Number(fields[12]);
    };
    assert.equal(threads(id).length, 2);
    assert.ok(readdirSync(`/proc/${qemu(id)}/task`).length > 2);
    // The kernel counts the throttled periods: the load of the machine does not matter.
    const throttled = (): number => Number(/^nr_throttled (\d+)$/m.exec(read(group('cpu', id, '/vcpus/cpu.stat')))?.[1]);
    await until('the quota throttles the vCPUs', () => throttled() > 0);
    const [before, since] = [ticks(), Date.now()];
    await until('vCPUs have run', () => ticks() - before > 50);
    assert.ok((ticks() - before) * 10 < (Date.now() - since) * 0.45, `${ticks() - before} ticks in ${Date.now() - since} ms`);
    await update('--cpus', '2');
    const [again, held] = [ticks(), throttled()];
    await until('vCPUs have run', () => ticks() - again > 100);
    assert.equal(throttled(), held);
  });

  it('--cpuset-cpus sets where the vCPUs run, and their number', async () => {
    const id = await start('--cpuset-cpus', '1', '--cpu-shares', '512', 'busybox', 'sleep', '1000');
    assert.equal(await inside('nproc'), '2');
    const allowed = (): string[] =>
      threads(id).map((thread) => /^Cpus_allowed_list:\t(.*)$/m.exec(read(`/proc/${qemu(id)}/task/${thread}/status`))?.[1] ?? '');
    assert.deepEqual(allowed(), ['1', '1']);
    assert.equal(read(group('cpu', id, '/cpu.shares')), '512');
    await update('--cpuset-cpus', '0');
    assert.deepEqual(allowed(), ['0', '0']);
  });

  it('more memory than the host has is refused with one line', async () => {
    const { code, stdout, stderr } = await run('-m', '900g', 'busybox', 'true');
    assert.deepEqual([code, stdout], [125, '']);
    assert.match(stderr, /Unable to hotplug 921600 MiB memory, the SB has 2048 MiB and the maximum amount is \d+ MiB/);
    const id = await start('busybox', 'sleep', '1000');
    assert.notEqual((await engine.docker(['update', '-m', '900g', '--memory-swap', '900g', 'box'])).code, 0);
    assert.equal(await inside('nproc'), '1');
    assert.doesNotMatch(read(`/run/vc/sbs/${id}/${id}/persist.json`), /966367641600/);
  });

  it('a container whose VM is OOM-killed by the host exits with 137', async () => {
    const id = await start('--runtime', 'only', 'busybox', 'sleep', '1000');
    assert.equal(await inside('nproc'), '1'); // docker has started the container completely
    const ended = engine.docker(['wait', id]);
    const used = Number(read(group('memory', id, '/memory.usage_in_bytes')));
    writeFileSync(group('memory', id, '/memory.limit_in_bytes'), String(used + (8 << 20)));
    await engine.docker(['exec', 'box', 'dd', 'if=/dev/zero', 'of=/dev/shm/file', 'bs=1M', 'count=60']);
    assert.equal((await ended).stdout, '137\n');
  });

  it('sandbox_cgroup_only: the error for a limit below the size of the VM is one line', async () => {
    const { code, stdout, stderr } = await run('--runtime', 'only', '-m', '40m', 'busybox', 'true');
    assert.deepEqual([code, stdout], [125, '']);
    assert.match(stderr, /the VM was OOM-killed by the host: with sandbox_cgroup_only the memory limit applies to the whole VM/);
  });

  it('sandbox_cgroup_only: the limits apply to the whole sandbox', async () => {
    const id = await start('--runtime', 'only', '--cpus', '0.5', '-m', '700m', 'busybox', 'sleep', '1000');
    assert.equal(await inside('nproc'), '2');
    assert.ok(!existsSync(group('cpu', id, '/vcpus')));
    assert.equal(read(group('cpu', id, '/cpu.cfs_quota_us')), '50000');
    assert.equal(read(group('memory', id, '/memory.limit_in_bytes')), String(700 << 20));
    assert.ok(
      read(group('memory', id, '/cgroup.procs'))
        .split('\n')
        .includes(String(qemu(id))),
    );
    await update('-m', '800m', '--memory-swap', '800m');
    assert.equal(read(group('memory', id, '/memory.limit_in_bytes')), String(800 << 20));
  });
});
