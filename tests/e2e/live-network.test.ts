/** Changes of a running container's network: by `docker network connect` and `disconnect`, and by hand on the host. */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';
import { kataRuntime } from '../support/staged.ts';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`network of a running container with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime)));
    before(async () => {
      await docker('network', 'create', '--subnet', '10.95.0.0/24', 'first');
      await docker('network', 'create', '--subnet', '10.96.0.0/24', 'second');
      await docker('run', '-d', '--name', 'box', '--network', 'first', '--ip', '10.95.0.7', 'busybox', 'sleep', '1000');
      await docker('run', '-d', '--runtime', 'runc', '--name', 'peer', '--network', 'second', 'busybox', 'sleep', '1000');
      await addParents();
    });

    const PARENTS = { macvlan: '10.97.0', ipvlan: '10.97.1' };
    const ipOfHost = (...args: string[]): Promise<Outcome> => engine.inNetwork('ip', args);
    /** For each driver a device on which it makes its links, and behind that device a peer with the address .1 of the subnet. */
    async function addParents(): Promise<void> {
      for (const [driver, subnet] of Object.entries(PARENTS)) {
        await good(ipOfHost('link', 'add', `${driver}0`, 'type', 'veth', 'peer', 'name', `${driver}1`));
        await good(ipOfHost('address', 'add', `${subnet}.1/24`, 'dev', `${driver}1`));
        for (const end of [0, 1]) await good(ipOfHost('link', 'set', `${driver}${end}`, 'up'));
      }
    }
    /** A kernel may be built without CONFIG_IPVLAN. */
    async function hasLinks(driver: string): Promise<boolean> {
      if ((await ipOfHost('link', 'add', 'probe', 'link', `${driver}0`, 'type', driver)).code !== 0) return false;
      await good(ipOfHost('link', 'delete', 'probe'));
      return true;
    }

    const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
    const inside = async (...args: string[]): Promise<string> => (await engine.docker(['exec', 'box', ...args])).stdout;
    async function onHost(...args: string[]): Promise<void> {
      const pid = (await docker('inspect', '-f', '{{.State.Pid}}', 'box')).trim();
      await good(engine.inMounts('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', ...args]));
    }
    const shows = (what: string, command: string[], text: RegExp): Promise<void> =>
      until(what, async () => text.test(await inside(...command)), 10_000);

    it('connect adds the interface, its address and the names of its network', async () => {
      await docker('network', 'connect', '--ip', '10.96.0.7', 'second', 'box');
      await shows('eth1 has its address', ['ip', 'address', 'show', 'eth1'], /inet 10\.96\.0\.7\/24/);
      assert.match(await inside('ping', '-c', '1', '-W', '10', 'peer'), /1 packets received/);
      assert.match(await inside('ip', 'route'), /default via 10\.95\.0\.1 dev eth0/);
    });
    it('a changed MTU', async () => {
      await onHost('link', 'set', 'eth1', 'mtu', '1400');
      await shows('eth1 has the MTU', ['ip', 'link', 'show', 'eth1'], /mtu 1400/);
      assert.match(await inside('ip', 'route'), /default via 10\.95\.0\.1 dev eth0/);
    });
    it('an added and a removed address', async () => {
      await onHost('address', 'add', '10.96.0.8/24', 'dev', 'eth1');
      await shows('the address exists', ['ip', 'address', 'show', 'eth1'], /inet 10\.96\.0\.8\/24/);
      await onHost('address', 'del', '10.96.0.8/24', 'dev', 'eth1');
      await until('the address is removed', async () => !/10\.96\.0\.8/.test(await inside('ip', 'address', 'show', 'eth1')));
    });
    it('routes are added and removed', async () => {
      await onHost('route', 'add', '192.0.2.0/24', 'via', '10.96.0.1');
      await shows('the route exists', ['ip', 'route'], /192\.0\.2\.0\/24 via 10\.96\.0\.1 dev eth1/);
      await onHost('route', 'del', '192.0.2.0/24');
      await until('the route is removed', async () => !/192\.0\.2/.test(await inside('ip', 'route')));
      assert.match(await inside('ip', 'route'), /default via 10\.95\.0\.1 dev eth0/);
    });
    const kept: [what: string, family: string, routes: string[][], shown: RegExp][] = [
      [
        'a gateway that no prefix contains',
        '-4',
        [['default', 'via', '169.254.1.1', 'dev', 'eth1', 'onlink']],
        /default via 169\.254\.1\.1 dev eth1/,
      ],
      [
        'a gateway with its own route, as Calico configures it',
        '-4',
        [
          ['169.254.1.1', 'dev', 'eth1', 'scope', 'link'],
          ['default', 'via', '169.254.1.1', 'dev', 'eth1'],
        ],
        /default via 169\.254\.1\.1 dev eth1[^]*169\.254\.1\.1 dev eth1 scope link/,
      ],
      ...['blackhole', 'unreachable', 'prohibit'].map((type): [string, string, string[][], RegExp] => [
        `a route of type ${type}`,
        '-4',
        [[type, '198.51.100.0/24']],
        new RegExp(`${type} 198\\.51\\.100\\.0/24`),
      ]),
    ];
    for (const [what, family, routes, shown] of kept)
      it(`${what}, and its removal`, async () => {
        const before = await inside('ip', family, 'route');
        for (const route of routes) await onHost(family, 'route', 'replace', ...route);
        await shows('the route exists', ['ip', family, 'route'], shown);
        await onHost(family, 'route', 'replace', 'default', 'via', '10.95.0.1', 'dev', 'eth0');
        for (const route of routes.filter(([first]) => first !== 'default')) await onHost(family, 'route', 'del', ...route);
        await until('the routes are the original routes', async () => (await inside('ip', family, 'route')) === before);
      });
    it('default routes with the same metric over two links, in their order', async () => {
      const [first, second] = ['default via 10.95.0.1 dev eth0', 'default via 10.96.0.1 dev eth1'];
      const steps: [change: string, seen: string[]][] = [
        ['append default via 10.96.0.1 dev eth1', [first, second]],
        ['del default via 10.95.0.1 dev eth0', [second]],
        ['append default via 10.95.0.1 dev eth0', [second, first]],
        ['del default via 10.96.0.1 dev eth1', [first]],
      ];
      for (const [change, routes] of steps) {
        await onHost('route', ...change.split(' '));
        const wanted = routes.join('\n');
        const seen = async (): Promise<string> => (await inside('sh', '-c', 'ip route | grep default')).replace(/ +$/gm, '').trim();
        await until(`the routes after "${change}" are ${wanted}`, async () => (await seen()) === wanted, 10_000);
        assert.match(await inside('ip', 'route', 'get', '192.0.2.1'), new RegExp(/dev \w+/.exec(wanted)?.[0] ?? ''));
      }
    });
    it('policy rules with the routes of their tables, and their removal', async () => {
      const commands = ['rule', '-6 rule', 'route show table 100'];
      const seen = async (): Promise<string[]> => {
        const texts: string[] = [];
        for (const command of commands) texts.push((await inside('ip', ...command.split(' '))).replace(/ +\n/g, '\n'));
        return texts;
      };
      const before = await seen();
      const change = async (verb: string): Promise<void> => {
        await onHost('route', verb, 'default', 'via', '10.96.0.1', 'dev', 'eth1', 'table', '100');
        await onHost('rule', verb, 'from', '10.96.0.7', 'pref', '100', 'lookup', '100');
        await onHost('rule', verb, 'to', '198.51.100.0/24', 'pref', '101', 'prohibit');
      };
      await change('add');
      await until('the last rule exists', async () => (await seen())[0]?.includes('198.51.100.0/24') === true);
      assert.deepEqual(await seen(), [
        before[0]?.replace(/\n/, '\n100:\tfrom 10.96.0.7 lookup 100\n101:\tfrom all to 198.51.100.0/24 lookup unspec prohibit\n'),
        before[1],
        'default via 10.96.0.1 dev eth1\n',
      ]);
      assert.match(await inside('ip', 'route', 'get', '192.0.2.1', 'from', '10.96.0.7'), /via 10\.96\.0\.1/);
      await change('del');
      await until('the rules are the original rules', async () => (await seen()).join() === before.join());
    });
    it('a changed MAC address', async () => {
      await onHost('link', 'set', 'eth1', 'down', 'address', '02:00:00:00:96:07');
      await onHost('link', 'set', 'eth1', 'up');
      await shows('eth1 has the MAC address', ['ip', 'link', 'show', 'eth1'], /02:00:00:00:96:07/);
    });
    it('the MAC address of another interface', async () => {
      const [, mac = ''] = /link\/ether (\S+)/.exec(await inside('ip', 'link', 'show', 'eth0')) ?? [];
      await onHost('link', 'set', 'eth1', 'down', 'address', mac);
      await onHost('link', 'set', 'eth1', 'up');
      await shows('eth1 has the MAC address', ['ip', 'link', 'show', 'eth1'], new RegExp(mac));
      await shows('eth1 has its address', ['ip', 'address', 'show', 'eth1'], /inet 10\.96\.0\.7\/24/);
      assert.match(await inside('ip', 'address', 'show', 'eth0'), /inet 10\.95\.0\.7\/24/);
      for (const gateway of ['10.95.0.1', '10.96.0.1'])
        assert.match(await inside('ping', '-c', '1', '-W', '10', gateway), /1 packets received/);
    });
    it('disconnect removes the interface, and the other interface works', async () => {
      await docker('network', 'disconnect', 'second', 'box');
      await until('eth1 is removed', async () => !/eth1/.test(await inside('ip', 'link')), 10_000);
      assert.match(await inside('ping', '-c', '1', '-W', '10', '10.95.0.1'), /1 packets received/);
    });
    for (const [driver, subnet] of Object.entries(PARENTS))
      it(`a network of the driver ${driver} is connected and disconnected`, async function () {
        if (!(await hasLinks(driver))) this.skip();
        await docker('network', 'create', '-d', driver, '--subnet', `${subnet}.0/24`, '-o', `parent=${driver}0`, 'late');
        await docker('network', 'connect', '--ip', `${subnet}.7`, 'late', 'box');
        await shows('the address exists', ['ip', 'address'], new RegExp(`inet ${subnet}\\.7/24`));
        assert.match(await inside('ping', '-c', '1', '-W', '10', `${subnet}.1`), /1 packets received/);
        assert.match(await inside('ip', 'route'), /default via 10\.95\.0\.1 dev eth0/);
        await docker('network', 'disconnect', 'late', 'box');
        await until('one interface is left', async () => [...(await inside('ip', 'link')).matchAll(/: eth/g)].length === 1, 10_000);
        await docker('network', 'rm', 'late');
      });
    it('connect and disconnect can be repeated', async () => {
      const hasSecond = async (): Promise<boolean> => /inet 10\.96\.0\.7\/24/.test(await inside('ip', 'address'));
      for (let round = 0; round < 3; round++) {
        await docker('network', 'connect', '--ip', '10.96.0.7', 'second', 'box');
        await until('the address exists', hasSecond, 10_000);
        await docker('network', 'disconnect', 'second', 'box');
        await until('the address is removed', async () => !(await hasSecond()), 10_000);
      }
      await docker('network', 'disconnect', 'first', 'box');
      await until('no interface is left', async () => !/eth/.test(await inside('ip', 'link')), 10_000);
      await docker('network', 'connect', '--ip', '10.96.0.7', 'second', 'box');
      await until('the address exists', hasSecond, 10_000);
      assert.match(await inside('ping', '-c', '1', '-W', '10', 'peer'), /1 packets received/);
    });
  });
}
