/** Verbs on a running container, by docker and by kata-runtime directly. docker's cases also run with runc. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { mountControllers, removeControllers } from './controllers.ts';
import { Engine } from '../support/engine.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime } from '../support/staged.ts';

const MIB = 1 << 20;
const units: Readonly<Record<string, number>> = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

/** Bytes of "12.3MiB". */
function bytes(text: string): number {
  const [, number, unit] = /^([\d.]+)([KMG]?i?B)$/.exec(text) ?? assert.fail(`${text} is no size`);
  return Number(number) * (units[unit ?? ''] ?? Number.NaN);
}

/** Shell script that prints a limit with both cgroup versions. */
const limit = (v1: string, v2: string): string => `cat /sys/fs/cgroup/${v2} 2>/dev/null || cat /sys/fs/cgroup/${v1}`;

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`verbs of a running container with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let shared = '';

    const docker = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await engine.docker(args);
      assert.equal(code, 0, `docker ${args.join(' ')}: ${stderr}`);
      return stdout.trim();
    };
    const inspect = (field: string): Promise<string> => docker('inspect', '-f', `{{${field}}}`, 'box');
    const inside = (script: string): Promise<string> => docker('exec', 'box', 'sh', '-c', script);
    /** The counter that the running container increments. */
    const counter = (): number => (existsSync(join(shared, 'n')) ? Number(readFileSync(join(shared, 'n'), 'latin1')) : 0);

    before(async () => {
      assert.deepEqual(leftovers(), [], 'the machine is clean before');
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime, mountControllers);
      shared = join(engine.directory, 'shared');
      mkdirSync(shared);
      const script = 'i=0; while :; do i=$((i+1)); echo $i > /v/t; mv /v/t /v/n; sleep 0.1; done';
      await docker('run', '-d', '--name', 'box', '-v', `${shared}:/v`, 'busybox', 'sh', '-c', script);
      await until('the container counts', () => counter() > 1);
    });
    after(async () => {
      await engine.stop();
      removeControllers();
      assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
    });

    it('docker pause freezes the container, docker unpause thaws it', async () => {
      await docker('pause', 'box');
      assert.equal(await inspect('.State.Status'), 'paused');
      const stopped = counter();
      await sleep(500);
      assert.equal(counter(), stopped);
      assert.match((await engine.docker(['exec', 'box', 'true'])).stderr, /is paused/);
      await docker('unpause', 'box');
      assert.equal(await inspect('.State.Status'), 'running');
      await until('it counts again', () => counter() > stopped);
    });

    it('docker inspect reports which container was OOM-killed', async () => {
      const endOf = async (name: string, memory: string, script: string): Promise<string> => {
        await engine.docker(['run', '--name', name, '-m', memory, '--memory-swap', memory, 'busybox', 'sh', '-c', script]);
        return docker('inspect', '-f', '{{.State.OOMKilled}} {{.State.ExitCode}}', name);
      };
      assert.equal(await endOf('hog', '32m', 'x=a; while :; do x=$x$x; done'), 'true 137');
      assert.equal(await endOf('killed', '32m', 'sh -c "kill -9 \\$\\$"; exit $?'), 'false 137');
      await docker('rm', 'hog', 'killed');
    });

    async function top(): Promise<{ pids: string[]; rows: string[] }> {
      const [header = '', ...rows] = (await docker('top', 'box')).split('\n');
      const column = header.split(/\s+/).indexOf('PID');
      return { rows, pids: rows.map((row) => row.split(/\s+/)[column] ?? '') };
    }

    it("docker top lists only the container's processes on the host", async () => {
      const { pids, rows } = await top();
      assert.ok(pids.includes(await inspect('.State.Pid')), rows.join('\n'));
      assert.match(rows[0] ?? '', / sh -c i=0; while :; do i=\$\(\(i\+1\)\); echo \$i > \/v\/t;/);
      await docker('exec', '-d', 'box', 'sleep', '1000');
      await until('a second process is listed', async () => (await top()).rows.some((row) => / sleep 1000$/.test(row)));
    });

    it('docker stats has the figures of the container only', async () => {
      const format = '{{.MemUsage}} {{.PIDs}} {{.CPUPerc}}';
      const [used = '', , , pids = '', cpu = ''] = (await docker('stats', '--no-stream', '--format', format, 'box')).split(' ');
      const least = runtime === 'kata-runtime' ? 40 * MIB : 1;
      assert.ok(bytes(used) >= least && bytes(used) < 2500 * MIB, used);
      assert.ok(Number(pids) >= 1 && Number(pids) < 100, pids);
      assert.match(cpu, /^\d+\.\d\d%$/);
    });

    it('docker update changes limits of memory, CPU and processes', async () => {
      await docker('update', '--memory', '64m', '--memory-swap', '64m', '--cpus', '0.5', '--pids-limit', '50', 'box');
      assert.equal(await inside(limit('memory/memory.limit_in_bytes', 'memory.max')), String(64 * MIB));
      assert.match(await inside(limit('cpu/cpu.cfs_quota_us', 'cpu.max')), /^50000\b/);
      assert.equal(await inside(limit('pids/pids.max', 'pids.max')), '50');
      await docker('update', '--memory', '96m', '--memory-swap', '96m', 'box');
      assert.equal(await inside(limit('memory/memory.limit_in_bytes', 'memory.max')), String(96 * MIB));
      const { code } = await engine.docker(['exec', 'box', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=300M', 'count=1']);
      assert.equal(code, 137);
      assert.equal(await inspect('.State.Status'), 'running');
    });

    if (runtime === 'kata-runtime') {
      describe('by the runtime itself', () => {
        let id = '';
        const kata = (...args: string[]): Promise<Outcome> => run(kataRuntime, args);
        before(async () => (id = await inspect('.Id')));

        it("events --stats has the guest's statistics", async () => {
          const { stdout, stderr } = await kata('events', '--stats', id);
          const { type, data } = JSON.parse(stdout) as {
            type: string;
            data: { cpu: { usage: { total: number } }; memory: { usage: { usage: number; limit: number } }; pids: { current: number } };
          };
          assert.deepEqual([type, data.memory.usage.limit, stderr], ['stats', 96 * MIB, '']);
          assert.ok(data.cpu.usage.total > 0 && data.memory.usage.usage > 0 && data.pids.current >= 1, stdout);
        });

        it('events reports OOM kills', async () => {
          const child = spawn(kataRuntime, ['events', '--interval', '1s', id], { stdio: ['ignore', 'pipe', 'inherit'] });
          let said = '';
          child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
          try {
            await until('both kinds of events', () => said.includes(`{"type":"oom","id":"${id}"}\n`) && said.includes('{"type":"stats"'));
          } finally {
            child.kill('SIGTERM');
            await once(child, 'exit');
          }
        });

        it("ps lists the guest's processes", async () => {
          const { stdout } = await kata('ps', id);
          assert.match(stdout, /\bPID\b.*\n(?:.*\n)*.*while :/, stdout);
          const pids = JSON.parse((await kata('ps', '--format', 'json', '--kata-guest-pids', id)).stdout) as number[];
          assert.ok(pids.length >= 1);
        });

        it('kata-network lists interfaces and routes', async () => {
          const address = await inspect('.NetworkSettings.IPAddress');
          const interfaces = JSON.parse((await kata('kata-network', 'list-ifaces', id)).stdout) as {
            Name: string;
            IPAddresses: { Address: string }[];
          }[];
          const eth0 = interfaces.find(({ Name }) => Name === 'eth0');
          assert.ok(
            eth0?.IPAddresses.some(({ Address }) => Address === address),
            JSON.stringify(interfaces),
          );
          const routes = JSON.parse((await kata('kata-network', 'list-routes', id)).stdout) as { Gateway: string; Device: string }[];
          assert.ok(
            routes.some(({ Gateway, Device }) => Gateway === '172.17.0.1' && Device === 'eth0'),
            JSON.stringify(routes),
          );
        });

        it('kata-overhead and list --kata-all', async () => {
          const { stdout } = await kata('kata-overhead', id);
          assert.ok(Number(/^memory_host_bytes=(\d+)$/m.exec(stdout)?.[1]) > 40 * MIB, stdout);
          assert.match((await kata('list', '--kata-all')).stdout, new RegExp(`^${id} .*qemu-.*system.* vmlinuz|${id}.*/vmlinuz.* -$`, 'm'));
        });

        it("kata-top counts what the container writes to the host's disk", async () => {
          const used = async (): Promise<number> => {
            const { stdout } = await kata('kata-top', '--once', '--json', '--interval', '1ms');
            const sandboxes = JSON.parse(stdout) as { id: string; hostDiskBytes: number }[];
            return sandboxes.find((each) => each.id === id)?.hostDiskBytes ?? assert.fail(stdout);
          };
          const before = await used();
          await inside('dd if=/dev/zero of=/written bs=64k count=64 conv=fsync');
          assert.ok((await used()) - before >= 4 * MIB);
        });

        it('SIGKILL ends a paused container', async () => {
          await docker('pause', 'box');
          await docker('rm', '-f', 'box');
          assert.match((await kata('state', id)).stderr, /does not exist/);
        });
      });
    }
  });
}
