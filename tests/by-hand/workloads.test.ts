/**
 * Typical workloads, with kata-runtime and with runc: servers, a CI job, packages, a JVM, WireGuard. By hand: KATA_WORKLOAD_IMAGE names an
 * archive that workload-image.sh has made.
 */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';
import { workloads } from './workloads.ts';

const image = process.env['KATA_WORKLOAD_IMAGE'];
const PATH = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** By emulation, pip takes 210 s and npm 280 s; with runc they take 12 and 8 s. */
const LIMIT_MS = 900_000;

describe('workloads', function () {
  this.timeout(LIMIT_MS);
  let engine: Engine;
  onCleanMachine(async () => {
    assert.ok(image !== undefined, 'KATA_WORKLOAD_IMAGE is not set');
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
    await good(engine.docker(['import', '-c', PATH, image, 'workloads']));
    return engine;
  });

  for (const runtime of ['runc', 'kata-runtime'])
    describe(runtime, () => {
      afterEach(() => engine.removeAll());
      const docker = (args: readonly string[], input = ''): Promise<string> => good(engine.docker(args, { timeoutMs: LIMIT_MS, input }));
      const started = (name: string, args: readonly string[]): Promise<string> =>
        docker(['run', '-d', '--name', name, '--runtime', runtime, ...args]);

      for (const { name, options = [], script, output } of workloads)
        it(name, async () =>
          assert.equal(await docker(['run', '--rm', '--runtime', runtime, ...options, 'workloads', 'bash', '-c', script]), output),
        );

      // The other workloads would need modules of the host's kernel, or change its settings.
      if (runtime === 'runc') return;

      it('systemd as the first process', async () => {
        const options = ['--privileged', '--tmpfs', '/run', '--tmpfs', '/tmp', '--stop-signal', 'SIGRTMIN+3', '-e', 'container=docker'];
        await started('host', [...options, 'workloads', 'bash', '-c', 'systemctl -q mask getty@tty1 && exec /sbin/init']); // no terminal
        const inside = (script: string): Promise<string> => docker(['exec', 'host', 'bash', '-c', script]);
        await until(
          'systemd is up',
          async () => /^(running|degraded)$/m.test(await inside('systemctl is-system-running 2>&1 || :')),
          LIMIT_MS,
        );
        assert.equal(
          await inside('systemctl --failed --no-legend --plain; systemctl is-active cron dbus nginx'),
          'active\nactive\nactive\n',
        );
        assert.equal(await inside('systemd-run --quiet --wait --pipe -p MemoryMax=50M -p User=www-data id -u'), '33\n');
        assert.equal(await inside('systemctl kill -s KILL cron; sleep 1; systemctl is-active cron; journalctl -q -u cron | grep -c "status=9/KILL"'), 'active\n1\n'); // prettier-ignore
        await docker(['stop', '-t', '60', 'host']);
        assert.match(await docker(['inspect', '-f', '{{.State.ExitCode}}', 'host']), /^(0|130)$/m);
      });

      it('docker in docker', async () => {
        const options = ['--privileged', '--tmpfs', '/var/lib/docker:exec', '--tmpfs', '/run', '-m', '1g'];
        await started('host', [...options, 'workloads', 'dockerd', '--storage-driver', 'overlay2']);
        const inside = (script: string): Promise<string> => docker(['exec', 'host', 'bash', '-c', script]);
        await until('dockerd answers', async () => (await inside('docker version >/dev/null 2>&1; echo $?')) === '0\n', LIMIT_MS);
        await inside('mkdir -p /i/bin && cp /bin/busybox /i/bin && ln -s busybox /i/bin/sh && tar -C /i -c . | docker import - b');
        await inside('docker run -d --name server -p 8080:80 b sh -c "cd /bin && busybox httpd -f -p 80"');
        assert.equal(
          await inside('docker run --rm --link server b sh -c "busybox wget -qO- server/sh | busybox cmp - /bin/sh && echo same"'),
          'same\n',
        );
        await inside('curl -s localhost:8080/sh | cmp - /bin/busybox');
        assert.equal(await inside('docker run --rm -m 32m b sh -c "cd /sys/fs/cgroup; busybox cat memory/memory.limit_in_bytes 2>/dev/null || busybox cat memory.max"'), '33554432\n'); // prettier-ignore
        await inside('docker rm -f server');
      });

      it('WireGuard between two containers', async () => {
        await docker(['network', 'create', 'between']);
        const peers = ['one', 'two'];
        for (const peer of peers) await started(peer, ['--network', 'between', '--cap-add', 'NET_ADMIN', 'workloads', 'sleep', '1000']);
        const keys = await Promise.all(peers.map((peer) => docker(['exec', peer, 'wg', 'genkey'])));
        const publicKeys = await Promise.all(keys.map((key) => docker(['exec', '-i', 'one', 'wg', 'pubkey'], key)));
        for (const [index, peer] of peers.entries()) {
          const other = 1 - index;
          const script = `
            ip link add wg0 type wireguard && wg set wg0 listen-port 5555 private-key /dev/stdin peer ${publicKeys[other]?.trim()} \
              allowed-ips 10.9.0.0/24 endpoint ${peers[other]}:5555 && ip addr add 10.9.0.${index + 1}/24 dev wg0 && ip link set wg0 up`;
          await docker(['exec', '-i', peer, 'bash', '-c', script], keys[index]);
        }
        assert.match(await docker(['exec', 'one', 'ping', '-c', '3', '-i', '0.2', '10.9.0.2']), / 0% packet loss/);
        await engine.removeAll();
        await docker(['network', 'rm', 'between']);
      });
    });
});
