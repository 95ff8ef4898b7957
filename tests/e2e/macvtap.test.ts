/** Containers that are connected to docker's bridge by macvtap: booted, cloned, two at a time, with published ports. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OUTSIDE_ADDRESS, startNameServer } from './name-server.ts';
import { Engine } from '../support/engine.ts';
import { good } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { leftMacvtapNodes, leftovers } from '../support/leftovers.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { variant } from '../support/staged.ts';

describe('macvtap', function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  let cloned = '';
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-macvtap-'));
    const macvtap = (toml: string): string => toml.replace(/^internetworking_model = .*$/m, 'internetworking_model = "macvtap"');
    const booted = (toml: string): string => macvtap(toml).replace('enable_template = true', 'enable_template = false');
    cloned = variant(directory, 'cloned', macvtap);
    const runtimes = { cloned, booted: variant(directory, 'booted', booted) };
    return (engine = await Engine.start(runtimes, 'cloned'));
  });
  after(() => rmSync(directory, { recursive: true }));
  afterEach(async () => {
    await engine.removeAll();
    assert.deepEqual([...leftovers(), ...leftMacvtapNodes()], []);
  });

  const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
  const inspect = async (name: string, what: string): Promise<string> => (await docker('inspect', '-f', `{{${what}}}`, name)).trim();
  const ping = (name: string, address: string): Promise<string> => docker('exec', name, 'ping', '-c', '2', '-W', '10', address);

  for (const runtime of ['booted', 'cloned']) {
    it(`${runtime}: docker's address in the guest, its bridge answers`, async () => {
      await docker('run', '-d', '--runtime', runtime, '--name', 'one', 'busybox', 'sleep', '1000');
      const [address, mac] = [await inspect('one', '.NetworkSettings.IPAddress'), await inspect('one', '.NetworkSettings.MacAddress')];
      const seen = await docker('exec', 'one', 'ip', 'address', 'show', 'eth0');
      assert.ok(seen.includes(`inet ${address}/16`) && seen.includes(mac), seen);
      assert.match(await ping('one', await inspect('one', '.NetworkSettings.Gateway')), /2 packets received/);
      const pid = await inspect('one', '.State.Pid');
      const links = await good(engine.inMounts('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-d', 'link', 'show']));
      assert.match(links, /tap0_kata@eth0: .*macvtap/s);
      assert.ok(new RegExp(`tap0_kata@eth0:.*\n.*ether ${mac}`).test(links), links);
    });
  }

  it("a network that is connected later uses tcfilter beside docker's resolver, and can be disconnected", async () => {
    const kata = (...args: string[]): Promise<Outcome> => engine.inMounts(cloned, args);
    await docker('network', 'create', '--subnet', '10.99.1.0/24', 'second');
    const id = (await docker('run', '-d', '--name', 'one', 'busybox', 'sleep', '1000')).trim();
    await docker('network', 'connect', '--ip', '10.99.1.7', 'second', 'one');
    const pid = await inspect('one', '.State.Pid');
    const onHost = (...args: string[]): Promise<string> => good(engine.inMounts('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args]));
    const inside = (...args: string[]): Promise<string> => docker('exec', 'one', ...args);
    await until('the shim has it attached', async () => /10\.99\.1\.7/.test(await inside('ip', 'address')));
    const mac = /link\/ether (\S+)/.exec(await inside('ip', 'link', 'show', 'eth1'))?.[1] ?? '';
    const file = join(directory, 'if.json');
    writeFileSync(file, JSON.stringify({ Device: 'eth1', HwAddr: mac }));
    assert.match(await onHost('-d', 'link', 'show', 'tap1_kata'), /tun type tap/);
    assert.match(await ping('one', '10.99.1.1'), /2 packets received/);
    await good(kata('kata-network', 'del-iface', id, file));
    assert.match(await onHost('address', 'show', 'eth1'), new RegExp(`ether ${mac} .*inet 10.99.1.7/24`, 's'));
    await docker('network', 'disconnect', 'second', 'one');
    await docker('rm', '-f', 'one');
    await docker('network', 'rm', 'second');
  });

  it("docker's resolver can query external servers", async () => {
    await docker('network', 'create', '--subnet', '10.99.2.0/24', 'names');
    const outside = await startNameServer(engine.pid, '10.99.2.1');
    try {
      const look = ['nslookup', '-type=a', 'a.outside.example'];
      const stdout = await docker('run', '--rm', '--network', 'names', '--dns', '10.99.2.1', 'busybox', ...look);
      assert.ok(stdout.includes(`Address: ${OUTSIDE_ADDRESS}`), stdout);
    } finally {
      const ended = once(outside, 'exit');
      outside.kill();
      await ended;
    }
    await docker('network', 'rm', 'names');
  });

  it('two containers reach each other, and a published port answers', async () => {
    await docker('run', '-d', '--name', 'one', '-p', '8088:80', 'busybox', 'sh', '-c', 'echo hello >/index.html; exec httpd -f -p 80 -h /');
    await docker('run', '-d', '--name', 'two', 'busybox', 'sleep', '1000');
    const [first, second] = [await inspect('one', '.NetworkSettings.IPAddress'), await inspect('two', '.NetworkSettings.IPAddress')];
    assert.match(await ping('two', first), /2 packets received/);
    assert.match(await ping('one', second), /2 packets received/);
    assert.match(await docker('exec', 'two', 'wget', '-q', '-O', '-', `http://${first}/`), /hello/);
    const fetch = (): Promise<Outcome> => engine.inNetwork('/bin/busybox', ['wget', '-q', '-O', '-', 'http://127.0.0.1:8088/']);
    await until('the published port answers', async () => /hello/.test((await fetch()).stdout));
  });
});
