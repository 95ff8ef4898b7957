/**
 * Typical workloads, with kata-runtime and with runc: servers, a CI job, packages, a JVM, WireGuard. By hand: KATA_WORKLOAD_IMAGE names an
 * archive that workload-image.sh has made.
 */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { workloads } from './workloads.ts';

const image = process.env['KATA_WORKLOAD_IMAGE'];
const PATH = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
/** Emulated, on a busy machine. */
const LIMIT_MS = 300_000;

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

      if (runtime === 'runc') return; // WireGuard would need a module of the host's kernel

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
