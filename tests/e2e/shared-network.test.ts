/** `docker run --network container:ID`: what both containers see, and how one continues when the other ends. The same cases with runc. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { good } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

/** QEMU, kata-proxy, kata-shim, and the helper that plugs network devices. */
const PEER_PROCESSES = 4;

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`containers that share a network with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    before(async () => {
      assert.deepEqual(leftovers(), [], 'the machine is clean before');
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      await docker('network', 'create', '--subnet', '10.94.0.0/24', 'shared');
      await docker('run', '-d', '--name', 'peer', '--network', 'shared', '--ip', '10.94.0.20', 'busybox', 'sleep', '1000');
    });
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
    });
    beforeEach(async () => {
      const serve = 'trap "exit 0" TERM; echo served; echo page >/tmp/index.html; httpd -p 80 -h /tmp; while true; do sleep 0.2; done';
      await docker(
        'run',
        '-d',
        '--name',
        'owner',
        '--network',
        'shared',
        '--ip',
        '10.94.0.10',
        '-p',
        '8081:80',
        'busybox',
        'sh',
        '-c',
        serve,
      );
      await docker('run', '-d', '--name', 'guest', '--network', 'container:owner', 'busybox', 'sh', '-c', 'echo joined; exec sleep 1000');
    });
    afterEach(() => docker('rm', '-f', 'owner', 'guest'));

    const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
    const inside = (name: string, ...args: string[]): Promise<string> => docker('exec', name, ...args);
    const fetch = (name: string, url: string): Promise<Outcome> => engine.docker(['exec', name, 'wget', '-q', '-O', '-', url]);
    const hasLink = async (name: string): Promise<boolean> => /eth0/.test(await inside(name, 'ip', 'link'));
    const status = async (name: string): Promise<string> => (await docker('inspect', '-f', '{{.State.Status}}', name)).trim();
    const served = async (name: string): Promise<boolean> => (await fetch(name, 'http://127.0.0.1/')).stdout === 'page\n';

    it('share the network, the host name and names, but not processes and files', async () => {
      for (const command of [['hostname'], ['ip', 'address', 'show', 'eth0'], ['ip', 'route'], ['cat', '/etc/resolv.conf', '/etc/hosts']])
        assert.equal(await inside('guest', ...command), await inside('owner', ...command));
      assert.ok(await served('guest'));
      for (const name of ['owner', 'guest']) assert.match(await inside(name, 'nslookup', '-type=a', 'peer'), /Address: 10\.94\.0\.20/);
      await inside('owner', 'touch', '/dev/shm/of-owner', '/tmp/of-owner');
      assert.doesNotMatch(await inside('guest', 'ls', '/dev/shm', '/tmp'), /of-owner/);
      assert.doesNotMatch(await inside('guest', 'ps'), /httpd/);
      if (runtime === 'kata-runtime') {
        const boot = ['cat', '/proc/sys/kernel/random/boot_id'];
        assert.equal(await inside('guest', ...boot), await inside('owner', ...boot));
      }
    });
    it('share processes with --pid=container', async () => {
      const options = ['--network', 'container:owner', '--pid', 'container:owner'];
      assert.match(await docker('run', '--rm', ...options, 'busybox', 'ps'), /^ +1 root .*httpd -p 80/m);
    });
    it('have separate logs, exit codes and stats', async () => {
      for (const [name, text] of [
        ['owner', 'served\n'],
        ['guest', 'joined\n'],
      ] as const)
        await until(`${name} has written its line`, async () => (await docker('logs', name)) === text);
      assert.equal((await engine.docker(['exec', 'guest', 'sh', '-c', 'exit 5'])).code, 5);
      const stats = await docker('stats', '--no-stream', '--format', '{{.Name}}', 'owner', 'guest');
      assert.deepEqual(stats.trim().split('\n').sort(), ['guest', 'owner']);
    });
    it('servers in both containers are reachable by the name and the published port of the first container', async () => {
      await docker('exec', '-d', 'guest', 'sh', '-c', 'echo other >/tmp/index.html; httpd -f -p 81 -h /tmp');
      await until('the guest serves', async () => (await fetch('peer', 'http://owner:81/')).stdout === 'other\n');
      const answer = await engine.inNetwork('/bin/busybox', ['wget', '-q', '-O', '-', 'http://127.0.0.1:8081/']);
      assert.equal(answer.stdout, 'page\n');
    });
    it('docker network connect on the first container takes effect in both containers', async () => {
      await docker('network', 'create', '--subnet', '10.93.0.0/24', 'later');
      await docker('network', 'connect', '--ip', '10.93.0.10', 'later', 'owner');
      await until('the address exists', async () => /10\.93\.0\.10/.test(await inside('guest', 'ip', 'address')), 10_000);
      await docker('network', 'disconnect', 'later', 'owner');
      await docker('network', 'rm', 'later');
    });
    it('the first container continues to serve when the other container is restarted, stopped and removed', async () => {
      await docker('restart', '-t', '0', 'guest');
      assert.ok(await served('guest'));
      assert.equal(await docker('logs', 'guest'), 'joined\njoined\n');
      await docker('rm', '-f', 'guest');
      assert.ok(await served('owner'));
    });
    it('the other container continues without links when the first container stops, and the first container starts again with a new network', async () => {
      await docker('stop', '-t', '5', 'owner');
      assert.equal(await status('guest'), 'running');
      await until('the interface is removed', async () => !(await hasLink('guest')), 10_000);
      assert.equal((await engine.docker(['exec', 'guest', 'sh', '-c', 'echo on >/tmp/file; cat /tmp/file'])).stdout, 'on\n');
      await docker('start', 'owner');
      assert.ok(await served('owner'));
      assert.deepEqual([await hasLink('owner'), await hasLink('guest')], [true, false]);
      await docker('restart', '-t', '0', 'guest');
      assert.ok(await served('guest'));
      assert.match(await inside('guest', 'nslookup', '-type=a', 'peer'), /Address: 10\.94\.0\.20/);
    });
    it('two other containers continue to run when the first container is removed', async () => {
      await docker('run', '-d', '--name', 'third', '--network', 'container:owner', 'busybox', 'sleep', '1000');
      await docker('rm', '-f', 'owner');
      for (const name of ['guest', 'third']) {
        assert.equal(await status(name), 'running');
        assert.equal((await inside(name, 'echo', 'here')).trim(), 'here');
      }
      await docker('rm', '-f', 'guest');
      assert.equal((await inside('third', 'echo', 'here')).trim(), 'here');
      await docker('rm', '-f', 'third');
      if (runtime === 'kata-runtime') assert.equal(leftovers().filter((line) => line.startsWith('process')).length, PEER_PROCESSES);
    });
    it('all containers can be removed at once', async () => {
      await docker('rm', '-f', 'guest', 'owner');
      if (runtime === 'kata-runtime') assert.equal(leftovers().filter((line) => line.startsWith('process')).length, PEER_PROCESSES);
    });

    if (runtime === 'kata-runtime') {
      it('both containers end when the VM is killed, and nothing is left behind', async () => {
        const id = (await docker('inspect', '-f', '{{.Id}}', 'owner')).trim();
        const state = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as {
          HypervisorState: { Process: { pid: number } };
        };
        process.kill(state.HypervisorState.Process.pid, 'SIGKILL');
        for (const name of ['owner', 'guest']) await until(`${name} has ended`, async () => (await status(name)) === 'exited');
        await docker('rm', '-f', 'owner', 'guest');
        assert.equal(leftovers().filter((line) => line.startsWith('process')).length, PEER_PROCESSES);
      });
      it('a container of runc cannot be joined', async () => {
        await docker('run', '-d', '--runtime', 'runc', '--name', 'plain', 'busybox', 'sleep', '1000');
        const { code, stderr } = await engine.docker(['run', '--rm', '--network', 'container:plain', 'busybox', 'true']);
        assert.equal(code, 125);
        assert.match(stderr, /belongs to a container that does not run in a VM/);
        await docker('rm', '-f', 'plain');
      });
    }
  });
}
