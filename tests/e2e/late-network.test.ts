/** Network interfaces that are added to a running VM: by docker's own networks, and to a namespace after `create`. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { until } from '../support/until.ts';
import { good } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';

interface Row {
  readonly ifname: string;
  readonly address: string;
  readonly mtu: number;
  readonly addr_info: readonly { readonly family: string; readonly local: string; readonly prefixlen: number }[];
}

describe('interfaces that are added later', function () {
  this.timeout(120_000);
  let engine: Engine;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));

  const kata = (...args: string[]): Promise<Outcome> => engine.inMounts(kataRuntime, args);
  /** The link in the container's namespace on the host, in kata-network's format. */
  async function linkJson(pid: string, name: string): Promise<object> {
    const rows = JSON.parse(
      await good(engine.inMounts('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-json', 'address', 'show', name])),
    ) as Row[];
    const row = rows[0];
    assert.ok(row);
    const addresses = row.addr_info.filter(({ family }) => family === 'inet');
    return {
      Device: name,
      Name: name,
      IPAddresses: addresses.map(({ local, prefixlen }) => ({ Family: 0, Address: local, Mask: String(prefixlen) })),
      Mtu: row.mtu,
      HwAddr: row.address,
      LinkType: 'veth',
    };
  }

  it("kata-network attaches and detaches an interface, called as by 1.x's kata-netmon", async () => {
    const file = join(engine.directory, 'if.json');
    await good(engine.docker(['network', 'create', '--subnet', '10.99.0.0/24', 'second']));
    const id = (await good(engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000']))).trim();
    const pid = (await good(engine.docker(['inspect', '-f', '{{.State.Pid}}', 'box']))).trim();
    await good(engine.docker(['network', 'connect', '--ip', '10.99.0.7', 'second', 'box']));
    const inside = (...args: string[]): Promise<string> => good(engine.docker(['exec', 'box', ...args]));
    await until('the shim attaches the interface', async () => /10\.99\.0\.7/.test(await inside('ip', 'address')));
    writeFileSync(file, JSON.stringify(await linkJson(pid, 'eth1')));
    await good(kata('kata-network', 'del-iface', id, file));
    assert.doesNotMatch(await inside('ip', 'link'), /eth1/);
    assert.match(await good(kata('kata-network', 'add-iface', id, file)), /"PciPath":"02\/01"/);
    assert.match(await inside('ip', 'address', 'show', 'eth1'), /inet 10\.99\.0\.7\/24/);
    assert.match(await inside('ping', '-c', '1', '-W', '10', '10.99.0.1'), /1 packets received/);
    await good(kata('kata-network', 'del-iface', id, file));
    assert.doesNotMatch(await inside('ip', 'link'), /eth1/);
    await good(engine.docker(['network', 'disconnect', 'second', 'box']));
    assert.match(await inside('ip', 'address', 'show', 'eth0'), /inet 172\./);
    // The interface that the VM was started with can be detached as well.
    writeFileSync(file, JSON.stringify(await linkJson(pid, 'eth0')));
    await good(kata('kata-network', 'del-iface', id, file));
    assert.doesNotMatch(await inside('ip', 'link'), /eth0/);
    await good(engine.docker(['rm', '-f', 'box']));
    await good(engine.docker(['network', 'rm', 'second']));
  });

  it('docker 28 and later add the interface between create and start', async () => {
    const bundle = join(engine.directory, 'bundle');
    await good(engine.inMounts('mkdir', ['-p', `${bundle}/rootfs/bin`, `${bundle}/rootfs/proc`, `${bundle}/rootfs/dev`]));
    await good(engine.inMounts('cp', ['/bin/busybox', `${bundle}/rootfs/bin/busybox`]));
    const spec = {
      ociVersion: '1.0.2',
      process: {
        args: [
          '/bin/busybox',
          'sh',
          '-c',
          '(/bin/busybox ip address show eth0; /bin/busybox ip rule; /bin/busybox ip route show table 100) >/seen; exec /bin/busybox sleep 1000',
        ],
        cwd: '/',
        user: {},
      },
      root: { path: 'rootfs' },
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      ],
      linux: { cgroupsPath: '/late', namespaces: ['network', 'pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
    };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(spec));
    const script = `exec </dev/null >/dev/null 2>${bundle}/err; exec ${kataRuntime} create --bundle ${bundle} --pid-file ${bundle}/pid late`;
    const { code } = await engine.inMounts('sh', ['-c', script]);
    assert.equal(code, 0, readFileSync(`${bundle}/err`, 'utf8'));
    try {
      const pid = readFileSync(`${bundle}/pid`, 'latin1');
      const inside = (...args: string[]): Promise<string> => good(engine.inMounts('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args]));
      await good(engine.inNetwork('ip', ['link', 'add', 'late0', 'type', 'veth', 'peer', 'name', 'late1']));
      await good(engine.inNetwork('ip', ['link', 'set', 'late1', 'netns', pid, 'name', 'eth0']));
      await good(engine.inNetwork('ip', ['address', 'add', '10.98.0.1/24', 'dev', 'late0']));
      await good(engine.inNetwork('ip', ['link', 'set', 'late0', 'up']));
      await inside('address', 'add', '10.98.0.2/24', 'dev', 'eth0');
      await inside('link', 'set', 'eth0', 'up');
      await inside('route', 'add', 'default', 'via', '10.98.0.1');
      await inside('rule', 'add', 'from', '10.98.0.2', 'pref', '100', 'lookup', '100');
      await inside('route', 'add', 'default', 'via', '10.98.0.1', 'table', '100');
      await good(kata('start', 'late'));
      const ping = await engine.inNetwork('/bin/busybox', ['ping', '-c', '1', '-W', '10', '10.98.0.2']);
      assert.match(ping.stdout, /1 packets received/);
      const seen = (): string => (existsSync(`${bundle}/rootfs/seen`) ? readFileSync(`${bundle}/rootfs/seen`, 'utf8') : '');
      await until('the container has written its configuration', () => seen().includes('10.98.0.1'));
      assert.match(seen(), /inet 10\.98\.0\.2\/24/);
      assert.match(seen(), /^100:\s+from 10\.98\.0\.2 lookup 100/m);
      assert.match(seen(), /^default via 10\.98\.0\.1 dev eth0/m);
      assert.match(await good(kata('kata-network', 'list-routes', 'late')), /"Gateway":"10\.98\.0\.1"/);
    } finally {
      await good(kata('delete', '--force', 'late'));
    }
  });
});
