/** Links that are added to a sandbox's namespace after its VM was started: docker 28 and later, `docker network connect`. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { until } from '../support/until.ts';
import { good, run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { RuntimeRig, withoutVhost } from './runtime-rig.ts';
import type { Modes } from './runtime-rig.ts';
import { addLink, inNamespace } from './namespace-links.ts';

const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
const SILENT = { code: 0, stdout: '', stderr: '' };
const MAC = '02:00:00:00:00:77';

describe('kata-runtime and links that are added later', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  const ip = (...args: string[]): Promise<string> => inNamespace(rig, ...args);
  async function created(modes?: Modes): Promise<void> {
    rig.prepare(modes);
    rig.changeSpec((spec) => (spec.linux['resources'] = {}));
    assert.deepEqual(quiet(await rig.create()), SILENT);
  }
  const filters = async (link: string): Promise<string> => ip('tc', 'filter', 'show', 'dev', link, 'parent', 'ffff:');
  const plugged = (index: number, mac: string): string[] => [
    'getfd {"fdname":"fd0"}',
    `netdev_add {"type":"tap","id":"br${index}_kata","fds":"fd0"}`,
    `device_add {"driver":"virtio-net-pci","id":"virtio-br${index}_kata","netdev":"br${index}_kata","mac":"${mac}","romfile":"","bus":"pci-bridge-0","addr":"0${index + 1}"}`,
  ];
  const commands = (): string[] => rig.qmp().flatMap(withoutVhost);

  it('start plugs links that were added after create, and configures the guest before the container runs', async () => {
    await created();
    await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
    await addLink(rig, 'eth1', '02:00:00:00:00:78', '10.8.0.2/24');
    await ip('ip', 'route', 'add', 'default', 'via', '10.7.0.1');
    // As docker's driver option com.docker.network.endpoint.sysctls does.
    await ip('sysctl', '-w', 'net.ipv4.conf.eth1.log_martians=1', 'net.ipv6.neigh.eth1.ucast_solicit=7');
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
    assert.deepEqual(commands(), [...plugged(0, MAC), ...plugged(1, '02:00:00:00:00:78')]);
    const names = rig.calls().map((line) => line.split(' ')[0]);
    assert.deepEqual(names.slice(3), ['updateInterface', 'updateInterface', 'updateRoutes', 'startContainer']);
    const last = rig.lastRequest('updateInterface') as { interface: Record<string, unknown> };
    assert.deepEqual([last.interface['device'], last.interface['pciPath']], ['eth1', '02/02']);
    assert.deepEqual(last.interface['sysctls'], { 'ipv4/conf/log_martians': '1', 'ipv6/neigh/ucast_solicit': '7' });
    assert.match(await filters('eth0'), /Egress Redirect to device tap0_kata/);
    assert.match(await filters('tap1_kata'), /Egress Redirect to device eth1/);
  });

  it("docker's resolver gets answers of external servers if resolv.conf names it only after create", async () => {
    const file = rig.scratch.file('resolv.conf');
    writeFileSync(file, 'nameserver 192.0.2.1\n');
    rig.prepare();
    rig.changeSpec((spec) => {
      spec.linux['resources'] = {};
      (spec as { mounts?: object[] }).mounts = [{ destination: '/etc/resolv.conf', type: 'bind', source: file, options: ['rbind'] }];
    });
    assert.deepEqual(quiet(await rig.create()), SILENT);
    await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
    writeFileSync(file, 'nameserver 127.0.0.11\n');
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
    assert.match(await filters('eth0'), /protocol ip pref 2 /);
    assert.equal((await ip('sysctl', '-n', 'net.ipv4.ip_local_port_range')).replace(/\s+/g, ' '), '61440 61695 ');
  });

  it('a FIFO as resolv.conf does not stop create and start', async () => {
    const file = rig.scratch.file('resolv.conf');
    await good(run('mkfifo', [file]));
    rig.prepare();
    rig.changeSpec(({ mounts }) => mounts.push({ destination: '/etc/resolv.conf', type: 'bind', source: file, options: ['rbind'] }));
    assert.deepEqual(quiet(await rig.create()), SILENT);
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
  });

  it('policy rules of the namespace, and the routes of their tables, are sent to the agent; a rule that a guest cannot have is logged', async () => {
    await created();
    await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
    await ip('ip', 'rule', 'add', 'from', '10.7.0.2', 'lookup', '100');
    await ip('ip', 'route', 'add', 'default', 'via', '10.7.0.1', 'table', '100');
    await ip('ip', 'rule', 'add', 'pref', '7', 'tun_id', '4', 'lookup', '100');
    const log = rig.scratch.file('start.log');
    assert.deepEqual(quiet(await rig.kata('--log', log, 'start', rig.id)), SILENT);
    const { routes } = rig.lastRequest('updateRoutes') as { routes: { Routes: object[]; Policy: { rules: object[]; routes: object[] } } };
    assert.deepEqual(routes.Routes, []);
    assert.partialDeepStrictEqual(routes.Policy, {
      rules: [{ priority: 32765, action: 1, table: 100, source: '10.7.0.2' }],
      routes: [{ dest: '', gateway: '10.7.0.1', device: 'eth0', table: 100 }],
    });
    assert.match(readFileSync(log, 'utf8'), /policy rule .*cannot be copied to the guest.*7: from all tun_id 4/);
  });

  it('without a new link start sends nothing to QEMU', async () => {
    await created();
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
    assert.deepEqual([commands(), rig.calls().some((line) => line.startsWith('update'))], [[], false]);
  });

  it('add-iface plugs a link by its name, del-iface unplugs it, and the next link gets its slot', async () => {
    await created();
    await rig.kata('start', rig.id);
    await addLink(rig, 'eth1', MAC, '10.7.0.2/24');
    const file = rig.scratch.file('if.json');
    const address = { Family: 0, Address: '10.7.0.2', Mask: '24' };
    writeFileSync(file, JSON.stringify({ Device: 'eth1', Name: 'eth1', IPAddresses: [address], Mtu: 1500, HwAddr: MAC }));
    const added = await rig.kata('kata-network', 'add-iface', rig.id, file);
    assert.match(added.stdout, /"PciPath":"02\/01"/, added.stderr);
    assert.deepEqual(commands(), plugged(0, MAC));
    await rig.kata('kata-network', 'add-iface', rig.id, file); // changes it only
    assert.deepEqual(commands(), plugged(0, MAC));
    const removed = await rig.kata('kata-network', 'del-iface', rig.id, file);
    assert.deepEqual([removed.code, removed.stderr], [0, '']);
    assert.deepEqual(commands().slice(3), ['device_del {"id":"/machine/peripheral/virtio-br0_kata"}', 'netdev_del {"id":"br0_kata"}']);
    assert.equal(await ip('ip', '-br', 'link', 'show', 'type', 'tun'), '');
    assert.doesNotMatch(await ip('tc', 'qdisc', 'show', 'dev', 'eth1'), /ingress/);
    const before = rig.journalBytes();
    await ip('ip', 'link', 'set', 'eth1', 'down');
    await ip('ip', 'link', 'set', 'eth1', 'name', 'eth2', 'up'); // docker, too, gives the interface of a next connect another name
    writeFileSync(file, JSON.stringify({ Device: 'eth2', Name: 'eth2', IPAddresses: [address], Mtu: 1500, HwAddr: MAC }));
    await rig.kata('kata-network', 'add-iface', rig.id, file);
    assert.deepEqual(commands().slice(5), plugged(0, MAC));
    await rig.kata('kata-network', 'del-iface', rig.id, file);
    assert.equal(rig.journalBytes(), before, 'the journals do not grow');
  });

  it('a link that is detached while another command configures the guest stays detached', async () => {
    await created();
    await rig.kata('start', rig.id);
    await addLink(rig, 'eth1', MAC, '10.7.0.2/24');
    const hold = rig.scratch.file('calls.hold');
    writeFileSync(hold, 'updateInterface');
    const { child } = rig.start(['kata-network', 'sync', rig.id]);
    await until('the guest is called', () => rig.calls().some((line) => line.startsWith('updateInterface ')));
    const file = rig.scratch.file('if.json');
    writeFileSync(file, JSON.stringify({ Device: 'eth1', Name: 'eth1', HwAddr: MAC }));
    assert.equal((await rig.kata('kata-network', 'del-iface', rig.id, file)).stderr, '');
    rmSync(hold);
    await once(child, 'exit');
    assert.equal((await rig.kata('kata-network', 'sync', rig.id)).stderr, '');
    assert.equal(commands().filter((line) => line.startsWith('netdev_add')).length, 1);
  });

  it('the network of a VM of another program is refused and not changed', async () => {
    await created();
    await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
    assert.deepEqual(quiet(await rig.kata('start', rig.id)), SILENT);
    const path = `/proc/${readFileSync(rig.scratch.file('pid'), 'latin1')}/ns/net`;
    rig.changeSpec((spec) => (spec.linux['namespaces'] = [{ type: 'network', path }]));
    renameSync(`/run/vc/sbs/${rig.id}`, `/run/vc/${rig.id}`); // no sandbox of ours has it
    const { code, stderr } = await rig.kata('create', '--bundle', rig.scratch.file('bundle'), `${rig.id}-second`);
    renameSync(`/run/vc/${rig.id}`, `/run/vc/sbs/${rig.id}`);
    const text = `network namespace ${path} belongs to another VM (tap0_kata): only containers of one pod share a network\n`;
    assert.deepEqual([code, stderr], [1, text]);
    assert.match(await filters('eth0'), /Egress Redirect to device tap0_kata/);
  });

  it('the network of a container of runc is refused', async () => {
    const holder = spawn('unshare', ['--net', 'sh', '-c', 'echo there; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(holder.stdout, 'data');
      rig.prepare();
      const path = `/proc/${holder.pid}/ns/net`;
      rig.changeSpec((spec) => (spec.linux['namespaces'] = [{ type: 'network', path }]));
      const { code, stderr } = await rig.create();
      const text = `network namespace ${path} belongs to a container that does not run in a VM: a VM cannot share its network\n`;
      assert.deepEqual([code, stderr], [1, text]);
    } finally {
      holder.kill('SIGKILL');
    }
  });

  for (const step of ['netdev_add', 'device_add']) {
    it(`${step} fails: start fails with that, nothing of the link is left, and the next start may do better`, async () => {
      await created({ qemu: step });
      await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
      const { code, stderr } = await rig.kata('start', rig.id);
      assert.equal(code, 1);
      assert.match(stderr, /QEMU says no/);
      assert.equal(await rig.status(), 'created');
      assert.equal(await ip('ip', '-br', 'link', 'show', 'type', 'tun'), '');
      assert.doesNotMatch(await ip('tc', 'qdisc', 'show', 'dev', 'eth0'), /ingress/);
      if (step === 'device_add') assert.equal(rig.qmp().at(-1), 'netdev_del {"id":"br0_kata"}');
    });
  }

  it('a guest that does not release the device: del-iface fails, and the link stays connected', async () => {
    await created({ qemu: 'device_del' });
    await addLink(rig, 'eth0', MAC, '10.7.0.2/24');
    await rig.kata('start', rig.id);
    const file = rig.scratch.file('if.json');
    writeFileSync(file, JSON.stringify({ HwAddr: MAC }));
    assert.match((await rig.kata('kata-network', 'del-iface', rig.id, file)).stderr, /QEMU says no/);
    assert.match(await filters('eth0'), /tap0_kata/);
  });
});
