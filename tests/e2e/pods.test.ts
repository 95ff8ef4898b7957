/** Pods as kubelet creates them, with containerd's CRI plugin: several containers in one VM. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUSYBOX, CriEngine } from './cri-engine.ts';
import type { Pod } from './cri-engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { LoopDevices } from '../support/loop-devices.ts';
import { until } from '../support/until.ts';
import { kataRuntime } from '../support/staged.ts';

const RUNNING = 1;
const EXITED = 2; // ContainerState of CRI
const NOT_READY = 1; // PodSandboxState
const FOREVER = ['sh', '-c', 'while :; do sleep 1000; done'];

describe("pods with containerd's CRI plugin", function () {
  this.timeout(180_000);
  let engine: CriEngine;
  onCleanMachine(async () => (engine = await CriEngine.start(kataRuntime)));

  const ended = async (id: string) => {
    await until(`the end of container ${id}`, async () => (await engine.status(id)).state === EXITED);
    return engine.status(id);
  };
  const output = async (id: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.exec(id, ...args);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };
  const shimOf = async (id: string): Promise<number> => (JSON.parse((await engine.runtime('state', id)).stdout) as { pid: number }).pid;
  const address = async ({ id }: Pod): Promise<string> => (await engine.call('PodSandboxStatus', { pod_sandbox_id: id })).status.network.ip;

  describe('with two containers', () => {
    let pod: Pod;
    let [web, client] = ['', ''];
    before(async () => {
      pod = await engine.runPod('pair');
      const volumes = join(engine.directory, 'volumes/kubernetes.io~empty-dir');
      for (const name of ['fast', 'big']) mkdirSync(join(volumes, name), { recursive: true });
      // As kubelet does it for sizeLimit and fsGroup.
      await engine.inside('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'emptydir', join(volumes, 'fast')]);
      for (const name of ['fast', 'big']) {
        await engine.inside('chown', ['0:2000', join(volumes, name)]);
        await engine.inside('chmod', ['2777', join(volumes, name)]);
      }
      const mounts = ['fast', 'big'].map((name) => ({ container_path: `/${name}`, host_path: join(volumes, name) }));
      web = await engine.runContainer(pod, 'web', ['sh', '-c', 'echo out; echo err >&2; exec nc -ll -p 8080 -e echo hello'], { mounts });
      client = await engine.runContainer(pod, 'client', FOREVER, { mounts });
    });
    after(async () => {
      await engine.removePod(pod);
      assert.deepEqual(leftovers(), []);
      await engine.inside('umount', [join(engine.directory, 'volumes/kubernetes.io~empty-dir/fast')]);
    });

    it('run in one VM, and the runtime lists both and the sandbox', async () => {
      const boots = await Promise.all([web, client].map((id) => output(id, 'cat', '/proc/sys/kernel/random/boot_id')));
      assert.equal(boots[0], boots[1]);
      assert.notEqual(boots[0], readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
      const { stdout } = await engine.runtime('list', '--format', 'json');
      const rows = JSON.parse(stdout) as { id: string; status: string }[];
      assert.deepEqual(
        new Set(rows.map(({ id, status }) => `${id} ${status}`)),
        new Set([pod.id, web, client].map((id) => `${id} running`)),
      );
      const { stdout: state } = await engine.runtime('state', client);
      const { annotations } = JSON.parse(state) as { annotations: Record<string, string> };
      assert.equal(annotations['io.katacontainers.pkg.oci.container_type'], 'pod_container');
    });

    it('exec returns output and exit code', async () => {
      assert.deepEqual(await engine.exec(client, 'sh', '-c', 'echo a; echo b >&2; exit 7'), { code: 7, stdout: 'a\n', stderr: 'b\n' });
    });

    it('exec fails when its time limit has passed', async () => {
      const sleeping = { container_id: client, cmd: ['sleep', '4711'], timeout: 1 };
      await assert.rejects(engine.call('ExecSync', sleeping), /timeout 1s exceeded/);
    });

    it('log both streams', async () => {
      const lines = (): string[] => readFileSync(join(pod.logs, 'web.log'), 'utf8').split('\n');
      await until('the log', () => lines().length > 2);
      assert.deepEqual(new Set(lines().map((line) => line.split(' ').slice(1).join(' '))), new Set(['stdout F out', 'stderr F err', '']));
    });

    it('share the address of CNI, and localhost', async () => {
      const ip = await address(pod);
      assert.match(ip, /^10\.88\.7\.\d+$/);
      for (const id of [web, client]) assert.match(await output(id, 'ip', 'address', 'show', 'eth0'), new RegExp(`inet ${ip}/24`));
      assert.equal(await output(client, 'nc', '127.0.0.1', '8080'), 'hello');
    });

    it("the engine's port-forward reaches a server of the pod, and reports a port without one", async () => {
      const forward = async (port: number) => {
        const { url } = await engine.call('PortForward', { pod_sandbox_id: pod.id, port: [port] });
        return engine.inside(process.execPath, [join(import.meta.dirname, 'port-forward-client.ts'), url, String(port)]);
      };
      assert.equal((await forward(8080)).stdout, 'hello\n');
      const { stdout, stderr } = await forward(8081);
      assert.equal(stdout, '');
      assert.match(stderr, /reset by peer/);
    });

    it('share the host name, and shared memory', async () => {
      for (const id of [web, client]) assert.equal(await output(id, 'hostname'), 'pair-host');
      await output(web, 'sh', '-c', 'echo shared > /dev/shm/note');
      assert.equal(await output(client, 'cat', '/dev/shm/note'), 'shared');
    });

    it("do not see each other's processes", async () => {
      assert.doesNotMatch(await output(client, 'ps'), /nc -ll/);
    });

    for (const [name, type] of [
      ['fast', 'tmpfs'],
      ['big', '9p'],
    ] as const)
      it(`share the emptyDir volume ${name}, which the host does not see`, async () => {
        await output(web, 'sh', '-c', `echo ${name} > /${name}/note`);
        assert.equal(await output(client, 'cat', `/${name}/note`), name);
        assert.match(await output(client, 'sh', '-c', `grep ' /${name} ' /proc/mounts`), new RegExp(` /${name} ${type} `));
        assert.ok(!existsSync(join(engine.directory, 'volumes/kubernetes.io~empty-dir', name, 'note')));
        assert.equal(await output(client, 'stat', '-c', '%a %g', `/${name}`), '2777 2000');
        assert.equal(await output(client, 'stat', '-c', '%g', `/${name}/note`), '2000');
      });

    it('the emptyDir volume of medium Memory has its sizeLimit', async () => {
      assert.match(await output(client, 'df', '-m', '/fast'), / 8 +\d+ +\d+ +\d+% \/fast$/);
    });

    it('have statistics, and so has the pod', async () => {
      for (const container_id of [web, client]) {
        const { stats } = await engine.call('ContainerStats', { container_id });
        assert.ok(Number(stats.cpu.usage_core_nano_seconds.value) > 0 && Number(stats.memory.working_set_bytes.value) > 0);
      }
      const { stats } = await engine.call('PodSandboxStats', { pod_sandbox_id: pod.id });
      assert.ok(Number(stats.linux.memory.working_set_bytes.value) > 20 << 20, 'a VM is in the cgroup of the pod');
    });

    it('the process of the timed-out exec ends in the guest', async () => {
      await until('its end', async () => !(await output(client, 'ps')).includes('sleep 4711'));
    });

    it('VM and shims are in the cgroups that the engine names for the pod', async () => {
      const members = (controller: string, id: string): string[] =>
        readFileSync(`/sys/fs/cgroup/${controller}${engine.cgroupParent('pair')}/kata_${id}/cgroup.procs`, 'latin1').split('\n');
      const shim = String(await shimOf(web));
      for (const controller of ['cpu', 'memory']) {
        assert.ok(members(controller, pod.id).includes(readFileSync(`/run/vc/vm/${pod.id}/pid`, 'latin1').trim()));
        assert.ok(members(controller, web).includes(shim));
        assert.ok(!members(controller, pod.id).includes(shim));
      }
    });

    it('an OOM kill ends only one container, with 137', async () => {
      const command = ['sh', '-c', 'x=a; while :; do x=$x$x; done'];
      const greedy = await engine.runContainer(pod, 'greedy', command, { memoryBytes: 16 << 20 });
      const { exit_code, reason } = await ended(greedy);
      assert.deepEqual([exit_code, reason], [137, 'OOMKilled']);
      for (const id of [web, client]) assert.equal((await engine.status(id)).state, RUNNING);
      await engine.call('RemoveContainer', { container_id: greedy });
    });

    it('a crash of a shim ends only its container, in the guest too', async () => {
      process.kill(await shimOf(web), 'SIGKILL');
      assert.equal((await ended(web)).exit_code, 137);
      await until('the end of the container in the guest', async () => (await engine.exec(client, 'nc', '127.0.0.1', '8080')).code !== 0);
      assert.equal((await engine.status(client)).state, RUNNING);
      await engine.call('RemoveContainer', { container_id: web });
      web = await engine.runContainer(pod, 'web', FOREVER, { attempt: 1 });
    });

    it('after a restart of containerd the pod continues to run, exec works, and output is logged', async () => {
      await engine.restart();
      for (const id of [web, client]) assert.equal((await engine.status(id)).state, RUNNING);
      assert.equal(await output(client, 'cat', '/fast/note'), 'fast');
      await output(client, 'sh', '-c', 'echo again > /proc/1/fd/1');
      await until('the line in the log', () => readFileSync(join(pod.logs, 'client.log'), 'utf8').includes('stdout F again'));
      assert.equal(
        await address(pod),
        await output(client, 'sh', '-c', "ip -4 -o address show eth0 | sed 's/.*inet \\([0-9.]*\\).*/\\1/'"),
      );
    });

    it('a container is replaced without affecting the other container and the volumes', async () => {
      await engine.call('StopContainer', { container_id: web, timeout: 1 });
      assert.equal((await engine.status(web)).state, EXITED);
      await engine.call('RemoveContainer', { container_id: web });
      const { stdout } = await engine.runtime('list', '--quiet');
      assert.deepEqual(stdout.split('\n').filter(Boolean).sort(), [pod.id, client].sort());
      web = await engine.runContainer(pod, 'web', FOREVER, { attempt: 2 });
      assert.equal(await output(web, 'hostname'), 'pair-host');
      assert.equal(await output(client, 'cat', '/fast/note'), 'fast');
    });

    it('raw block volumes are attached and detached with their containers, which share the disk', async () => {
      const loops = new LoopDevices();
      const disk = await loops.attach(join(engine.directory, 'disk.img'), 4);
      try {
        const device = (permissions: string) => ({ devices: [{ container_path: '/dev/xvda', host_path: disk, permissions }] });
        const writer = await engine.runContainer(pod, 'writer', FOREVER, device('mrw'));
        const reader = await engine.runContainer(pod, 'reader', FOREVER, device('mrw'));
        await output(writer, 'sh', '-c', 'echo raw >/dev/xvda');
        assert.equal(await output(reader, 'head', '-n', '1', '/dev/xvda'), 'raw');
        for (const id of [writer, reader]) {
          await engine.call('StopContainer', { container_id: id, timeout: 0 });
          await engine.call('RemoveContainer', { container_id: id });
        }
        assert.equal(readFileSync(disk, 'latin1').split('\n')[0], 'raw');
        const disks = await output(client, 'ls', '/sys/block');
        assert.doesNotMatch(disks, /sd/);
      } finally {
        await loops.close();
      }
    });

    it('a failed create of a container leaves nothing behind', async () => {
      const before = leftovers();
      await assert.rejects(engine.runContainer(pod, 'wrong', ['/no/such/program']), /no such file|not found/i);
      const mine = (lines: string[]): string[] => lines.filter((line) => !before.includes(line));
      await until('nothing of it is left', () => mine(leftovers()).length === 0);
      assert.equal((await engine.status(client)).state, RUNNING);
    });
  });

  it('ctr run returns output and exit code, and leaves nothing behind', async () => {
    const before = leftovers();
    const to = ['-a', join(engine.directory, 'c.sock'), '-n', 'k8s.io'];
    const { code, stdout, stderr } = await engine.inside('ctr', [
      ...[...to, 'run', '--rm', '--runc-binary', kataRuntime, BUSYBOX, 'by-ctr'],
      ...['sh', '-c', 'uname -r; exit 7'],
    ]);
    assert.equal(code, 7, stderr);
    assert.match(stdout, /\.container\n$/);
    assert.deepEqual(leftovers(), before);
  });

  it('two pods reach each other, and the containers of one share a PID namespace', async () => {
    const [first, second] = [await engine.runPod('first'), await engine.runPod('second', { pid: 0 })];
    const here = await engine.runContainer(first, 'here', FOREVER);
    assert.match(await output(here, 'ping', '-c', '1', '-w', '10', await address(second)), /1 packets received/);
    const a = await engine.runContainer(second, 'a', ['sleep', '4242']);
    const b = await engine.runContainer(second, 'b', FOREVER);
    assert.match(await output(b, 'ping', '-c', '1', '-w', '10', await address(first)), /1 packets received/);
    assert.match(await output(b, 'ps'), /1 .*sleep 1000000\n[^]*sleep 4242/);
    await output(b, 'sh', '-c', "kill $(ps | awk '/[s]leep 4242/ {print $1}')");
    assert.equal((await ended(a)).exit_code, 143);
    // As kubelet does: sandboxes are stopped with running containers, repeatedly, and containers are removed afterwards.
    for (const [pod, id] of [
      [first, here],
      [second, b],
    ] as const) {
      for (let times = 0; times < 2; times++) await engine.call('StopPodSandbox', { pod_sandbox_id: pod.id });
      const { status } = await engine.call('PodSandboxStatus', { pod_sandbox_id: pod.id });
      const { state, exit_code } = await engine.status(id);
      assert.deepEqual([status.state, state, exit_code], [NOT_READY, EXITED, 137]);
      assert.ok(!existsSync(`/run/vc/vm/${pod.id}`));
      await engine.call('RemoveContainer', { container_id: id });
      await engine.call('RemovePodSandbox', { pod_sandbox_id: pod.id });
    }
    assert.deepEqual(leftovers(), []);
  });
});
