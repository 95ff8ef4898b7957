/** Links that are connected to the VM by macvtap: the real kernel creates the macvtaps; QEMU is a fake. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftMacvtapNodes } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import { RuntimeRig, withoutVhost } from './runtime-rig.ts';

const MAC = '02:00:00:00:00:77';

describe('kata-runtime and macvtap', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let netns = '';
  beforeEach(async () => {
    rig = new RuntimeRig();
    netns = `kata-${rig.id}`;
    await good(run('ip', ['netns', 'add', netns]));
    rig.prepare({ configuration: { 'runtime.internetworking_model': 'macvtap' } });
    const path = `/run/netns/${netns}`;
    rig.changeSpec((spec) => (spec.linux = { ...spec.linux, resources: {}, namespaces: [{ type: 'network', path }, { type: 'pid' }] }));
  });
  afterEach(async () => {
    try {
      await rig.close();
    } finally {
      await good(run('ip', ['netns', 'delete', netns]));
    }
    assert.deepEqual(leftMacvtapNodes(), []);
  });

  const ip = (...args: string[]): Promise<string> => good(run('ip', ['-n', netns, ...args]));
  async function addLink(name: string, mac: string, address: string): Promise<void> {
    await ip('link', 'add', name, 'address', mac, 'type', 'veth', 'peer', 'name', `${name}-peer`);
    await ip('link', 'set', `${name}-peer`, 'up');
    await ip('address', 'add', address, 'dev', name);
    await ip('link', 'set', name, 'up');
  }
  const macOf = async (link: string): Promise<string> => /link\/ether (\S+)/.exec(await ip('link', 'show', link))?.[1] ?? '';
  const create = async (): Promise<void> => assert.equal((await rig.create()).stderr, '');
  const qemu = (): number => {
    const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as SandboxState;
    return HypervisorState.Process.pid;
  };

  it("QEMU inherits the macvtap's device, which has the link's MAC address; delete restores the address of the link", async () => {
    await addLink('eth0', MAC, '10.7.0.2/24');
    await create();
    assert.deepEqual([await macOf('tap0_kata'), /macvtap mode bridge/.test(await ip('-d', 'link', 'show', 'tap0_kata'))], [MAC, true]);
    assert.notEqual(await macOf('eth0'), MAC);
    assert.doesNotMatch(await ip('address', 'show', 'eth0'), /inet/);
    const index = Number(/^(\d+):/.exec(await ip('link', 'show', 'tap0_kata'))?.[1]);
    assert.ok(index >= 8192);
    assert.equal(readlinkSync(`/proc/${qemu()}/fd/3`), `/dev/tap${index}`);
    assert.match(readFileSync(`/proc/${qemu()}/cmdline`, 'latin1'), /tap,id=network-0,fd=3/);
    const { interface: told } = rig.lastRequest('updateInterface') as { interface: { hwAddr: string; IPAddresses: { address: string }[] } };
    assert.deepEqual([told.hwAddr, told.IPAddresses[0]?.address], [MAC, '10.7.0.2']);
    assert.equal((await rig.kata('delete', '--force', rig.id)).stderr, '');
    assert.equal(await macOf('eth0'), MAC);
    assert.match(await ip('address', 'show', 'eth0'), /inet 10\.7\.0\.2\/24/);
    assert.equal(existsSync(`/dev/tap${index}`), false);
  });

  it('each of two links has its own device', async () => {
    await addLink('eth0', MAC, '10.7.0.2/24');
    await addLink('eth1', '02:00:00:00:00:78', '10.8.0.2/24');
    await create();
    const devices = [3, 4].map((fd) => readlinkSync(`/proc/${qemu()}/fd/${fd}`));
    assert.ok(devices.every((path) => path.startsWith('/dev/tap')) && devices[0] !== devices[1], devices.join(' '));
  });

  it('QEMU gets the device of a link that is added later; del-iface restores the address of the link', async () => {
    await create();
    await addLink('eth0', MAC, '10.7.0.2/24');
    assert.equal((await rig.kata('start', rig.id)).stderr, '');
    assert.deepEqual(rig.qmp().flatMap(withoutVhost), [
      'getfd {"fdname":"fd0"}',
      'netdev_add {"type":"tap","id":"br0_kata","fds":"fd0"}',
      `device_add {"driver":"virtio-net-pci","id":"virtio-br0_kata","netdev":"br0_kata","mac":"${MAC}","romfile":"","bus":"pci-bridge-0","addr":"01"}`,
    ]);
    assert.equal(await macOf('tap0_kata'), MAC);
    writeFileSync(rig.scratch.file('if.json'), JSON.stringify({ HwAddr: MAC }));
    assert.equal((await rig.kata('kata-network', 'del-iface', rig.id, rig.scratch.file('if.json'))).stderr, '');
    assert.equal(await macOf('eth0'), MAC);
    assert.match(await ip('address', 'show', 'eth0'), /inet 10\.7\.0\.2\/24/);
    assert.equal(await ip('-br', 'link', 'show', 'type', 'macvtap'), '');
  });

  const change = async (verb: string): Promise<void> => {
    const file = rig.scratch.file('if.json');
    const address = { Family: 0, Address: '10.7.0.9', Mask: '24' };
    writeFileSync(file, JSON.stringify({ Device: 'eth0', Name: 'eth0', IPAddresses: [address], Mtu: 1500, HwAddr: await macOf('eth0') }));
    const { code, stderr } = await rig.kata('kata-network', verb, rig.id, file);
    assert.equal(code, 0, stderr);
  };
  /** Gives eth0 another MAC address and other addresses. */
  async function replaceLink(mac: string, address: string): Promise<void> {
    await ip('link', 'delete', 'eth0');
    await addLink('eth0', mac, address);
  }

  it('a link that is attached and detached again and again, with other addresses, does not let the journals grow', async () => {
    await addLink('eth0', MAC, '10.7.0.2/24');
    await create();
    assert.equal((await rig.kata('start', rig.id)).stderr, '');
    await change('del-iface');
    const before = rig.journalBytes();
    for (const byte of ['81', '82']) {
      await replaceLink(`02:00:00:00:00:${byte}`, `10.7.0.1${byte}/24`);
      await change('add-iface');
      assert.equal(await macOf('tap0_kata'), `02:00:00:00:00:${byte}`);
      await change('del-iface');
    }
    assert.equal(rig.journalBytes(), before);
  });

  for (const when of ['before create', 'after create'])
    it(`delete does not give a link the addresses of an earlier link of that name, which was attached ${when}`, async () => {
      if (when === 'before create') await addLink('eth0', MAC, '10.7.0.2/24');
      await create();
      if (when === 'after create') await addLink('eth0', MAC, '10.7.0.2/24');
      assert.equal((await rig.kata('start', rig.id)).stderr, '');
      await change('del-iface');
      await replaceLink('02:00:00:00:00:81', '10.7.0.3/24');
      await change('add-iface');
      assert.equal((await rig.kata('delete', '--force', rig.id)).stderr, '');
      assert.equal(await macOf('eth0'), '02:00:00:00:00:81');
      assert.deepEqual((await ip('address', 'show', 'eth0')).match(/inet \S+/g), ['inet 10.7.0.3/24']);
    });

  it('delete does not remove the ingress qdisc that another program has added to a detached link', async () => {
    rig.configure('internetworking_model', 'tcfilter');
    await create();
    await addLink('eth0', MAC, '10.7.0.2/24');
    assert.equal((await rig.kata('start', rig.id)).stderr, '');
    await change('del-iface');
    await good(run('tc', ['-n', netns, 'qdisc', 'add', 'dev', 'eth0', 'ingress']));
    assert.equal((await rig.kata('delete', '--force', rig.id)).stderr, '');
    assert.match(await good(run('tc', ['-n', netns, 'qdisc', 'show', 'dev', 'eth0'])), /ingress/);
  });

  it('a failed create restores the link', async () => {
    rig.prepare({ configuration: { 'runtime.internetworking_model': 'macvtap' }, refuses: 'createContainer' });
    const path = `/run/netns/${netns}`;
    rig.changeSpec((spec) => (spec.linux = { ...spec.linux, namespaces: [{ type: 'network', path }] }));
    await addLink('eth0', MAC, '10.7.0.2/24');
    assert.equal((await rig.create()).code, 1);
    assert.equal(await macOf('eth0'), MAC);
    assert.match(await ip('address', 'show', 'eth0'), /inet 10\.7\.0\.2\/24/);
    assert.equal(await ip('-br', 'link', 'show', 'type', 'macvtap'), '');
  });
});
