/** Networks and their options, with our runtime and with runc at the same addresses: both containers must see the same. */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { kataRuntime } from '../support/staged.ts';

/** Addresses, MTU and routes, without the values that differ from link to link: index, queues, lifetimes, and a random MAC address. */
const NETWORK = [
  'for link in $(ls /sys/class/net); do echo $link $(cat /sys/class/net/$link/mtu)',
  "ip -o address show $link | awk '{print $3, $4}' | sort",
  'done; ip route; ip -6 route',
].join('; ');

const SYSCTLS = [
  ['net.ipv4.ip_forward', '1'],
  ['net.core.somaxconn', '2048'],
  ['net.ipv4.ip_local_port_range', '40000 41000'],
  ['net.ipv4.tcp_keepalive_time', '300'],
  ['net.ipv6.conf.all.forwarding', '1'],
] as const;

describe('kinds of networks', function () {
  this.timeout(120_000);
  let engine: Engine;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));
  /** The client beside the daemon: a newer one refuses --mac-address for a daemon of version 20.10. */
  const docker = (...args: string[]): Promise<string> =>
    good(run('docker', args, {}, { ...engine.environment, PATH: `/usr/bin:${process.env['PATH']}` }));
  const network = (name: string, ...args: string[]): Promise<string> => docker('network', 'create', ...args, name);
  before(async () => {
    await good(engine.inNetwork('ip', ['link', 'add', 'parent0', 'mtu', '9000', 'type', 'veth', 'peer', 'name', 'parent1']));
    for (const end of ['parent0', 'parent1']) await good(engine.inNetwork('ip', ['link', 'set', end, 'up']));
    await network('six', '--ipv6', '--subnet', '10.91.0.0/24', '--subnet', 'fd00:91::/64');
    // The bridge's address is tentative, and does not answer, until two seconds after the first container has joined.
    await docker('run', '-d', '--runtime', 'runc', '--network', 'six', 'busybox', 'sleep', '1000');
    await until('the bridge has its IPv6 address', async () => {
      const addresses = await good(engine.inNetwork('ip', ['-6', '-o', 'address', 'show', 'to', 'fd00:91::1']));
      return addresses !== '' && !addresses.includes('tentative');
    });
    await network('large', '--subnet', '10.91.1.0/24', '-o', 'com.docker.network.driver.mtu=9000');
    await network('small', '--subnet', '10.91.2.0/24', '-o', 'com.docker.network.driver.mtu=1400');
    await network('mac', '-d', 'macvlan', '--subnet', '10.91.3.0/24', '-o', 'parent=parent0');
  });
  afterEach(() => engine.removeAll());

  const dns = ['--dns', '192.0.2.1', '--dns-search', 'lab.example', '--dns-opt', 'ndots:3', '--add-host', 'given:192.0.2.9'];
  const six = ['--network', 'six', '--ip', '10.91.0.9', '--ip6', 'fd00:91::9', '--mac-address', '02:42:0a:5b:00:09'];
  const cases: [name: string, options: string[], script: string][] = [
    ['--dns, --dns-search, --dns-opt, --add-host', [...dns, '-h', 'box'], 'cat /etc/resolv.conf; grep given /etc/hosts'],
    [
      '--sysctl of the network',
      SYSCTLS.flatMap(([key, value]) => ['--sysctl', `${key}=${value}`]),
      `sysctl ${SYSCTLS.map(([key]) => key).join(' ')}`,
    ],
    ['--mac-address', ['--mac-address', '02:42:0a:5b:01:63'], 'cat /sys/class/net/eth0/address'],
    ['IPv6', six, `${NETWORK}; ping -c 1 -W 10 fd00:91::1 | grep received`],
    ['an MTU of 9000', ['--network', 'large', '--ip', '10.91.1.9'], `${NETWORK}; ping -c 1 -W 10 -s 8900 10.91.1.1 | grep received`],
    ['an MTU of 1400', ['--network', 'small', '--ip', '10.91.2.9'], `${NETWORK}; ping -c 1 -W 10 -s 4000 10.91.2.1 | grep received`],
  ];
  for (const [name, options, script] of cases)
    it(name, async () => {
      const seen = (runtime: string): Promise<string> =>
        docker('run', '--rm', '--runtime', runtime, ...options, 'busybox', 'sh', '-c', script);
      assert.equal(await seen('kata-runtime'), await seen('runc'));
    });

  const start = (name: string, runtime: string, ...options: string[]): Promise<string> =>
    docker('run', '-d', '--name', name, '--runtime', runtime, ...options, 'busybox', 'sleep', '1000');
  const inside = (name: string, script: string): Promise<string> => docker('exec', name, 'sh', '-c', script);
  const reaches = async (name: string, address: string): Promise<void> =>
    assert.match(await inside(name, `ping -c 1 -W 10 ${address}`), /1 packets received/);

  it('macvlan: a VM, a container of runc and another VM reach each other', async () => {
    const subnet = '10.91.3';
    await start('one', 'kata-runtime', '--network', 'mac', '--ip', `${subnet}.11`);
    await start('two', 'runc', '--network', 'mac', '--ip', `${subnet}.12`);
    await start('three', 'kata-runtime', '--network', 'mac', '--ip', `${subnet}.13`);
    for (const [name, address] of [
      ['one', 12],
      ['one', 13],
      ['two', 11],
      ['three', 11],
    ] as const)
      await reaches(name, `${subnet}.${address}`);
  });

  /** The lines, sorted, with the MTU of a link in place of its name: docker names links in any order. */
  function byMtu(text: string): string {
    const names = [...text.matchAll(/^(eth\d+) (\d+)$/gm)];
    const renamed = names.reduce((result, [, name = '', mtu]) => result.replaceAll(new RegExp(`\\b${name}\\b`, 'g'), `mtu-${mtu}`), text);
    return renamed.split('\n').sort().join('\n');
  }

  it('several networks at the start', async () => {
    const seen = async (runtime: string): Promise<string> => {
      await docker('create', '--name', 'both', '--runtime', runtime, '--network', 'large', '--ip', '10.91.1.9', 'busybox', 'sleep', '1000');
      await docker('network', 'connect', '--ip', '10.91.2.9', 'small', 'both');
      await docker('start', 'both');
      const text = await inside('both', NETWORK);
      await docker('rm', '-f', 'both');
      return byMtu(text);
    };
    assert.equal(await seen('kata-runtime'), await seen('runc'));
  });

  it('multicast: both containers receive what is sent to all hosts', async () => {
    for (const [name, runtime, address] of [
      ['one', 'kata-runtime', '10.91.0.11'],
      ['two', 'runc', '10.91.0.12'],
    ] as const)
      await start(name, runtime, '--network', 'six', '--ip', address, '--sysctl', 'net.ipv4.icmp_echo_ignore_broadcasts=0');
    for (const [name, other] of [
      ['one', '10.91.0.12'],
      ['two', '10.91.0.11'],
    ] as const)
      assert.ok((await inside(name, 'ping -c 2 -W 5 -I eth0 224.0.0.1')).includes(`from ${other}`));
  });

  it('the host network is refused, with the reason and the alternatives', async () => {
    const { code, stderr } = await engine.docker(['run', '--rm', '--network', 'host', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /Host networking requested, not supported by runtime: .*bridge network and published ports/);
  });
});
