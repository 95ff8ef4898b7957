/**
 * Options of `docker run` and `docker network create`: a container of our runtime and a container of runc with the same options must print the
 * same. network-kinds.test.ts has MTUs, macvlan in bridge mode, and options of the default network.
 */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

/** Waits for the link-local addresses, which the kernel adds a moment after the start, unless the link has no IPv6. */
const hasLinkLocal = [
  'for link in $(ls /sys/class/net); do [ $link = lo ] || [ $(cat /proc/sys/net/ipv6/conf/$link/disable_ipv6) = 1 ]',
  '|| until ip -6 -o address show $link | grep fe80: | grep -qv tentative; do usleep 50000; done; done',
].join(' ');

/** Links with MTU, flags, MAC address and addresses; routes, rules, host names and resolver. Without indexes, queues and lifetimes. */
const VIEW = [
  hasLinkLocal,
  'cd /sys/class/net; for link in *; do echo $link $(cat $link/mtu $link/flags $link/address)',
  `ip -o address show $link | awk '{print $2, $3, $4, $5, $6}' | sort`,
  'done; ip route; ip -6 route; ip rule; ip -6 rule',
  'cat /etc/resolv.conf /etc/hosts; hostname; hostname -f; cat /proc/sys/kernel/domainname',
].join('; ');

interface Case {
  readonly name: string;
  readonly options: readonly string[];
  /** Besides VIEW. */
  readonly script?: string;
  /** Minor number of the first version 1.x of docker's API that has the option: 44 is docker 25, 48 is docker 28.0. */
  readonly since?: number;
}

const MAC = '02:42:0a:5a:00:09';
const own = ['--network', 'own', '--ip', '10.90.0.9', '--mac-address', MAC];
const withSysctl = (...keys: string[]): string[] => keys.flatMap((key) => ['--sysctl', key]);
const endpointSysctls = [
  'net.ipv4.conf.IFNAME.log_martians=1',
  'net.ipv6.conf.IFNAME.hop_limit=9',
  'net.ipv4.neigh.IFNAME.ucast_solicit=7',
];
const readSysctls = 'cd /proc/sys/net; cat ipv4/conf/eth*/log_martians ipv6/conf/eth*/hop_limit ipv4/neigh/eth*/ucast_solicit';
const endpoint = (...fields: string[]): string[] => [
  '--network',
  fields.map((field) => (field.includes(',') ? `"${field}"` : field)).join(),
];
const sysctlField = `driver-opt=com.docker.network.endpoint.sysctls=${endpointSysctls.join()}`;
const NAME_OF_LINK = 'driver-opt=com.docker.network.endpoint.ifname';
const first = ['name=own', 'ip=10.90.0.9', `mac-address=${MAC}`];
const second = ['name=six', 'ip=10.90.1.9', 'ip6=fd00:90::9', 'mac-address=02:42:0a:5a:01:09'];

const cases: Case[] = [
  { name: '--ip, --mac-address, --link-local-ip', options: [...own, '--link-local-ip', '169.254.9.9'] },
  { name: '--ip6', options: ['--network', 'six', '--ip', '10.90.1.9', '--ip6', 'fd00:90::9', '--mac-address', MAC] },
  { name: '--network none', options: ['--network', 'none'] },
  {
    name: '--domainname, --add-host, --dns, --dns-search, --dns-opt',
    options: [
      ...[...own, '--domainname', 'lab.example', '--add-host', 'outside:host-gateway', '--add-host', 'six:::1'],
      ...['--dns', '192.0.2.1', '--dns-search', 'lab.example', '--dns-opt', 'ndots:3', '--dns-opt', 'timeout:1'],
    ],
    script: 'ping -c 1 -W 10 outside | grep received',
  },
  {
    name: '--link in the default network',
    options: ['--mac-address', MAC, '--link', 'web:backend'],
    script: 'env | grep ^BACKEND_PORT | sort',
  },
  {
    name: '--sysctl of all links, of ping and of ports',
    options: [
      ...own,
      ...withSysctl('net.ipv4.conf.all.rp_filter=2', 'net.ipv4.ping_group_range=0 9', 'net.ipv4.ip_unprivileged_port_start=0'),
    ],
    script: 'sysctl net.ipv4.conf.all.rp_filter net.ipv4.ping_group_range net.ipv4.ip_unprivileged_port_start',
  },
  { name: 'a prefix for names of links', options: ['--network', 'named', '--ip', '10.90.2.9', '--mac-address', MAC] },
  {
    name: 'an internal network',
    options: ['--network', 'inner', '--ip', '10.90.3.9', '--mac-address', MAC],
    script: 'ping -c 1 -W 10 10.90.3.1 | grep received',
  },
  ...['private', 'vepa', 'passthru'].map((mode) => ({
    name: `macvlan in mode ${mode}`,
    options: ['--network', mode, '--ip', '10.90.4.9', '--mac-address', MAC],
    script: 'ping -c 1 -W 10 10.90.4.1 | grep received',
  })),
  {
    name: 'fields of --network, with sysctls of the link',
    options: endpoint(...first, 'alias=me', sysctlField),
    script: readSysctls,
    since: 44,
  },
  {
    name: 'several networks, of which gw-priority selects the gateway',
    options: [...endpoint(...first, `${NAME_OF_LINK}=left0`), ...endpoint(...second, `${NAME_OF_LINK}=right0`, 'gw-priority=5')],
    since: 49,
  },
  { name: 'a name for the link', options: endpoint(...first, `${NAME_OF_LINK}=left0`), since: 49 },
  ...['isolated', 'routed', 'nat-unprotected'].map((mode) => ({
    name: `gateway mode ${mode}`,
    options: ['--network', mode, '--ip', '10.90.5.9', '--mac-address', MAC],
    since: 48,
  })),
  { name: 'a network without IPv4', options: ['--network', 'only6', '--ip6', 'fd00:91::9', '--mac-address', MAC], since: 48 },
];

/** `docker network create` for a network that only some cases use. */
const networks: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(
    ['private', 'vepa', 'passthru'].map((mode) => [
      mode,
      ['-d', 'macvlan', '--subnet', '10.90.4.0/24', '-o', 'parent=parent0', '-o', `macvlan_mode=${mode}`],
    ]),
  ),
  ...Object.fromEntries(
    ['isolated', 'routed', 'nat-unprotected'].map((mode) => {
      const gateway = ['--subnet', '10.90.5.0/24', '-o', `com.docker.network.bridge.gateway_mode_ipv4=${mode}`];
      return [mode, mode === 'isolated' ? ['--internal', ...gateway] : gateway];
    }),
  ),
  only6: ['--ipv4=false', '--ipv6', '--subnet', 'fd00:91::/64'],
};

describe('network options', function () {
  this.timeout(120_000);
  let engine: Engine;
  let version = 0;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));
  /** The client beside the daemon: another version refuses options. */
  const outcome = (...args: string[]): Promise<Outcome> =>
    run('docker', args, {}, { ...engine.environment, PATH: `/usr/bin:${process.env['PATH']}` });
  const docker = (...args: string[]): Promise<string> => good(outcome(...args));
  const network = (name: string, ...args: string[]): Promise<string> => docker('network', 'create', ...args, name);
  const start = (name: string, runtime: string, ...args: string[]): Promise<string> =>
    docker('run', '-d', '--name', name, '--runtime', runtime, ...args);
  before(async () => {
    version = Number((await docker('version', '--format', '{{.Server.APIVersion}}')).split('.')[1]);
    await good(engine.inNetwork('ip', ['link', 'add', 'parent0', 'type', 'veth', 'peer', 'name', 'parent1']));
    for (const end of ['parent0', 'parent1']) await good(engine.inNetwork('ip', ['link', 'set', end, 'up']));
    await good(engine.inNetwork('ip', ['address', 'add', '10.90.4.1/24', 'dev', 'parent1']));
    await network('own', '--subnet', '10.90.0.0/24', '--gateway', '10.90.0.254');
    await network('six', '--ipv6', '--subnet', '10.90.1.0/24', '--subnet', 'fd00:90::/64');
    await network('named', '--subnet', '10.90.2.0/24', '-o', 'com.docker.network.container_iface_prefix=lan');
    await network('inner', '--subnet', '10.90.3.0/24', '--internal');
  });
  afterEach(() => engine.removeAll());

  for (const { name, options, script, since = 0 } of cases)
    it(name, async function () {
      if (version < since) this.skip();
      const [, used = ''] = options;
      const create = networks[used];
      if (create) await network(used, ...create);
      if (options.includes('--link')) await start('web', 'runc', '--expose', '80', '--expose', '90/udp', 'busybox', 'sleep', '1000');
      const seen = (runtime: string): Promise<string> =>
        docker('run', '--rm', '-h', 'box', '--runtime', runtime, ...options, 'busybox', 'sh', '-c', [VIEW, script ?? 'true'].join('; '));
      // docker connects several networks, and writes their lines to /etc/hosts, in any order.
      const sorted = (text: string): string => text.split('\n').sort().join('\n');
      assert.equal(sorted(await seen('kata-runtime')), sorted(await seen('runc')));
      if (create) await docker('network', 'rm', used);
    });

  it('enable_icc=false: containers reach the gateway, and not each other', async () => {
    await network('alone', '--subnet', '10.90.6.0/24', '-o', 'com.docker.network.bridge.enable_icc=false');
    const names = ['kata-runtime', 'runc'].flatMap((runtime) => [1, 2].map((number) => ({ runtime, name: `${runtime}-${number}` })));
    for (const { runtime, name } of names) await start(name, runtime, '--network', 'alone', 'busybox', 'sleep', '1000');
    const reaches = async (name: string, other: string): Promise<boolean> =>
      (await outcome('exec', name, 'ping', '-c', '1', '-W', '2', other)).code === 0;
    for (const runtime of ['kata-runtime', 'runc'])
      assert.deepEqual(
        [
          await reaches(`${runtime}-1`, '10.90.6.1'),
          await reaches(`${runtime}-1`, `${runtime}-2`),
          await reaches(`${runtime}-2`, `${runtime}-1`),
        ],
        [true, false, false],
        runtime,
      );
    await engine.removeAll();
    await docker('network', 'rm', 'alone');
  });

  it('a container without a network cannot be connected to one', async () => {
    const refusal = async (runtime: string): Promise<string> => {
      await start('bare', runtime, '--network', 'none', 'busybox', 'sleep', '1000');
      const { code, stderr } = await outcome('network', 'connect', 'own', 'bare');
      await docker('rm', '-f', 'bare');
      assert.notEqual(code, 0);
      return stderr;
    };
    assert.equal(await refusal('kata-runtime'), await refusal('runc'));
  });

  it('published ports: TCP, UDP, IPv6, a range, one address, and all that are exposed', async () => {
    // busybox has no program for UDP. Perl is in each Debian.
    const udp = (options: string, script: string): string =>
      `use IO::Socket::INET; $s = IO::Socket::INET->new(Proto => "udp", ${options}); ${script}`;
    const echo = udp('LocalPort => 90', 'while ($s->recv($m, 99)) { $s->send($m) }');
    const ask = udp('PeerAddr => "127.0.0.1:8104"', 'alarm 2; $s->send("echoed"); $s->recv($m, 99); print $m');
    const hostPerl = ['/usr:/usr:ro', '/usr/lib:/lib:ro', '/usr/lib64:/lib64:ro'].flatMap((volume) => ['-v', volume]);
    const serve = `echo page >/tmp/index.html; for port in 80 81 82; do httpd -p $port -h /tmp; done; exec perl -e '${echo}'`;
    const ports = ['8100-8101:80-81', '127.0.0.1:8102:80', '[::1]:8103:80', '8104:90/udp'].flatMap((port) => ['-p', port]);
    const onHost = async (program: string, ...args: string[]): Promise<string> => (await engine.inNetwork(program, args)).stdout;
    for (const runtime of ['kata-runtime', 'runc']) {
      await start('server', runtime, ...ports, '-P', '--expose', '82', ...hostPerl, 'busybox', 'sh', '-c', serve);
      const [exposed = ''] = (await docker('port', 'server', '82')).split('\n');
      for (const host of ['127.0.0.1:8100', '127.0.0.1:8101', '127.0.0.1:8102', '[::1]:8103', exposed.replace('0.0.0.0', '127.0.0.1')])
        await until(`${host} answers`, async () => (await onHost('/bin/busybox', 'wget', '-q', '-O', '-', `http://${host}/`)) === 'page\n');
      await until('the UDP port answers', async () => (await onHost('perl', '-e', ask)) === 'echoed');
      await docker('rm', '-f', 'server');
    }
  });

  it('sysctls of the link, and a higher gw-priority, of a network that is connected later', async function () {
    if (version < 48) this.skip();
    const seen = async (runtime: string): Promise<string> => {
      await start('box', runtime, '-h', 'box', ...endpoint(...first), 'busybox', 'sleep', '1000');
      const options = [
        '--ip',
        '10.90.1.9',
        '--ip6',
        'fd00:90::9',
        '--gw-priority',
        '5',
        '--driver-opt',
        sysctlField.replace('driver-opt=', ''),
      ];
      await docker('network', 'connect', ...options, 'six', 'box');
      const inside = (script: string): Promise<string> => docker('exec', 'box', 'sh', '-c', script);
      await until('the interface is the default route', async () => /default via 10\.90\.1\.1/.test(await inside('ip route')));
      const text = await inside(`${hasLinkLocal}; ${readSysctls}; ip route; ip -6 route; cat /etc/hosts`);
      await docker('rm', '-f', 'box');
      return text;
    };
    assert.equal(await seen('kata-runtime'), await seen('runc'));
  });
});
