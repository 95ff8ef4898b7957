/** A pod with virtio-fs and a CNI link connected by macvtap: containers are created and removed while it runs. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CriEngine } from './cri-engine.ts';
import type { Pod } from './cri-engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { variant } from '../support/staged.ts';

const FOREVER = ['sh', '-c', 'find / -xdev >/dev/null; while :; do sleep 1000; done'];

describe('a pod with virtio-fs and macvtap', function () {
  this.timeout(180_000);
  let engine: CriEngine;
  let directory = '';
  let pod: Pod;
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-pod-share-'));
    const runtime = variant(directory, 'kata', (toml) =>
      toml
        .replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"')
        .replace(/^default_memory = .*$/m, 'default_memory = 512')
        .replace(/^internetworking_model = .*$/m, 'internetworking_model = "macvtap"'),
    );
    mkdirSync(join(directory, 'volume'));
    writeFileSync(join(directory, 'volume/kept'), 'from the host');
    return (engine = await CriEngine.start(runtime));
  });
  before(async () => {
    pod = await engine.runPod('share');
  });
  after(() => rmSync(directory, { recursive: true }));

  const output = async (id: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.exec(id, ...args);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  };

  it('a container is removed and another one created while a third one runs', async () => {
    const mounts = [{ container_path: '/v', host_path: join(directory, 'volume') }];
    const stays = await engine.runContainer(pod, 'stays', FOREVER, { mounts });
    for (const attempt of [0, 1]) {
      const removed = await engine.runContainer(pod, 'removed', FOREVER, { mounts, attempt });
      assert.equal(await output(removed, 'cat', '/v/kept'), 'from the host');
      await engine.call('StopContainer', { container_id: removed, timeout: 1 });
      await engine.call('RemoveContainer', { container_id: removed });
      const shared = readdirSync(`/run/kata-containers/shared/sandboxes/${pod.id}/mounts`);
      assert.deepEqual(shared.filter((name) => name.startsWith(removed)), []); // prettier-ignore
      assert.equal(await output(stays, 'cat', '/v/kept'), 'from the host');
    }
    assert.equal(readFileSync(join(directory, 'volume/kept'), 'utf8'), 'from the host');
  });

  it('has the address of CNI, and its gateway answers', async () => {
    const id = await engine.runContainer(pod, 'pings', FOREVER);
    const { ip } = (await engine.call('PodSandboxStatus', { pod_sandbox_id: pod.id })).status.network;
    assert.match(await output(id, 'ip', 'address', 'show', 'eth0'), new RegExp(`inet ${ip}/24`));
    assert.match(await output(id, 'ping', '-c', '1', '-W', '10', '10.88.7.1'), /1 packets received/);
  });

  it('is removed, and its address is returned to CNI', async () => {
    await engine.removePod(pod);
    assert.deepEqual(leftovers(), []);
    const taken = readdirSync(join(engine.directory, 'ipam/kata-e2e')).filter((name) => /^\d/.test(name));
    assert.deepEqual(taken, []);
  });
});
