/** A network namespace that CNI plugins have filled before `create`, as in a pod of Kubernetes: our runtime and runc must show the same. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'pod';
const POD = '10.94.0.9';

/** Links without indexes, queues and lifetimes; routes of all tables without those that the kernel makes from addresses; rules. */
const VIEW = [
  'for link in $(ls /sys/class/net); do echo $link $(cat /sys/class/net/$link/mtu /sys/class/net/$link/address)',
  `ip -o address show $link | awk '{print $3, $4}' | sort`,
  'done; ip route; ip route show table 100; ip -6 route; ip rule; ip -6 rule',
].join('; ');

/** What plugins do, as arguments of `ip` in the pod's namespace. */
const plugins: readonly (readonly [name: string, commands: readonly string[]])[] = [
  [
    'Calico: an address without a prefix, and a gateway that is on the link',
    [`address add ${POD}/32 dev eth0`, 'route add 169.254.1.1 dev eth0 scope link', 'route add default via 169.254.1.1 dev eth0'],
  ],
  [
    'Calico with IPv6: the gateway is the link-local address of the peer',
    [
      ...[`address add ${POD}/32 dev eth0`, 'address add fd00:94::9/128 dev eth0 nodad', 'link set eth0 mtu 1440'],
      ...['route add 169.254.1.1 dev eth0 scope link', 'route add default via 169.254.1.1 dev eth0'],
      ...['-6 route add fe80::1 dev eth0', '-6 route add default via fe80::1 dev eth0'],
    ],
  ],
  [
    'Cilium: routes with a source address, of which each has an MTU',
    [
      ...[`address add ${POD}/32 dev eth0`, 'route add 10.94.1.1 dev eth0 scope link'],
      `route add default via 10.94.1.1 dev eth0 mtu 1450 src ${POD}`,
    ],
  ],
  [
    'Multus: a second interface without a default route',
    [
      ...[`address add ${POD}/24 dev eth0`, 'route add default via 10.94.0.1 dev eth0'],
      ...['address add 10.94.2.9/24 dev net1', 'link set net1 mtu 1400'],
      'route add 198.51.100.0/24 via 10.94.2.1 dev net1',
    ],
  ],
  [
    'two links with the same MAC address',
    [
      ...['link set net1 address 02:00:00:00:94:00', `address add ${POD}/24 dev eth0`, 'route add default via 10.94.0.1 dev eth0'],
      'address add 10.94.2.9/24 dev net1',
    ],
  ],
  [
    'sbr: a table and a rule for the second interface',
    [
      ...[`address add ${POD}/24 dev eth0`, 'route add default via 10.94.0.1 dev eth0', 'address add 10.94.2.9/24 dev net1'],
      ...['route add default via 10.94.2.1 dev net1 table 100', 'rule add from 10.94.2.9/32 pref 500 lookup 100'],
      ...['route add 10.94.2.0/24 dev net1 scope link table 100', 'rule add to 192.0.2.0/24 pref 501 prohibit'],
    ],
  ],
  [
    'routes that refuse packets, and several gateways',
    [
      ...[`address add ${POD}/24 dev eth0`, 'address add 10.94.2.9/24 dev net1', 'route add blackhole 192.0.2.0/25'],
      ...['route add unreachable 192.0.2.128/25', 'route add prohibit 198.51.100.0/24 metric 50'],
      'route add default nexthop via 10.94.0.1 dev eth0 weight 3 nexthop via 10.94.2.1 dev net1',
    ],
  ],
];

/** Each link of the pod, and the addresses of its peer in the host's namespace. */
const links: readonly (readonly [link: string, addresses: readonly string[]])[] = [
  ['eth0', ['10.94.0.1/24', '10.94.1.1/32', '169.254.1.1/32', 'fe80::1/64']],
  ['net1', ['10.94.2.1/24']],
];
const HOST = '10.94.3.1';

const spec = (script: string): object => ({
  ociVersion: '1.0.2',
  process: {
    args: ['/bin/sh', '-c', script],
    env: ['PATH=/bin'],
    cwd: '/',
    user: { uid: 0, gid: 0 },
    capabilities: Object.fromEntries(['bounding', 'effective', 'permitted'].map((set) => [set, ['CAP_NET_RAW', 'CAP_NET_ADMIN']])),
  },
  root: { path: 'rootfs' },
  hostname: 'pod',
  mounts: [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
  ],
  linux: {
    cgroupsPath: '/cni-links',
    namespaces: [{ type: 'network', path: `/run/netns/${NAMESPACE}` }, ...['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type }))],
  },
});

describe('links of CNI plugins', function () {
  this.timeout(120_000);
  let engine: Engine;
  let bundle: string;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));
  /** In the engine's mount and network namespaces. */
  const inEngine = (...command: string[]): Promise<string> =>
    good(engine.inNetwork('nsenter', [`--mount=/proc/${engine.pid}/ns/mnt`, ...command]));
  const host = (...args: string[]): Promise<string> => inEngine('ip', ...args);
  const inPod = (command: string): Promise<string> => host('-netns', NAMESPACE, ...command.split(' '));
  before(async () => {
    bundle = join(engine.directory, 'bundle');
    for (const name of ['bin', 'proc', 'sys', 'dev']) mkdirSync(join(bundle, 'rootfs', name), { recursive: true });
    await inEngine('cp', '/bin/busybox', join(bundle, 'rootfs/bin/busybox'));
    await inEngine('chroot', join(bundle, 'rootfs'), '/bin/busybox', '--install', '-s', '/bin');
    await host('address', 'add', `${HOST}/32`, 'dev', 'lo');
  });

  /** A namespace with links that are up and without addresses. */
  async function addNamespace(names: readonly string[]): Promise<void> {
    await host('netns', 'add', NAMESPACE);
    await inPod('link set lo up');
    for (const [index, [link, addresses]] of links.entries()) {
      if (!names.includes(link)) continue;
      const [peer, mac] = [`cali${index}`, `02:00:00:00:94:0${index}`];
      await host('link', 'add', peer, 'type', 'veth', 'peer', 'name', link, 'address', mac, 'netns', NAMESPACE);
      for (const address of addresses) await host('address', 'add', address, 'dev', peer, ...(address.includes(':') ? ['nodad'] : []));
      await host('link', 'set', peer, 'up');
      await inPod(`link set ${link} up`);
    }
    await host('route', 'replace', `${POD}/32`, 'dev', 'cali0');
  }

  async function seen(runtime: string, commands: readonly string[]): Promise<string> {
    await addNamespace(commands.flatMap((command) => command.split(' ')));
    try {
      for (const command of commands) await inPod(command);
      // The kernel adds link-local addresses and their routes when a link has a carrier.
      await until('the addresses are usable', async () => !(await inPod('-6 address')).includes('tentative'));
      writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec(`${VIEW}; ping -c 1 -W 10 ${HOST} | grep received`)));
      const text = await inEngine(runtime, 'run', '--bundle', bundle, 'pod');
      assert.match(text, /1 packets received/);
      return text;
    } finally {
      await host('link', 'delete', 'cali0'); // the kernel removes the links of a namespace after a while
      await host('netns', 'delete', NAMESPACE);
    }
  }

  for (const [name, commands] of plugins)
    it(name, async () => assert.equal(await seen(kataRuntime, commands), await seen('runc', commands)));
});
