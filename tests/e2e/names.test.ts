/** Name resolution in docker's own networks by 127.0.0.11, with our runtime and with runc. */
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { OUTSIDE_ADDRESS, startNameServer } from './name-server.ts';
import { good } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`names in docker's networks with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let outside: ChildProcess;
    before(async () => {
      assert.deepEqual(leftovers(), [], 'the machine is clean before');
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      await docker('network', 'create', '--ipv6', '--subnet', '10.97.0.0/24', '--subnet', 'fd00:97::/64', 'names');
      outside = await startNameServer(engine.pid, '10.97.0.1');
      await run('client', '--dns', '10.97.0.1', '--add-host', 'given:192.0.2.9');
      await run('web', '--ip', '10.97.0.10', '--network-alias', 'www', '--network-alias', 'both');
      await run('other', '--ip', '10.97.0.11', '--network-alias', 'both');
    });
    after(async () => {
      const ended = once(outside, 'exit');
      outside.kill();
      await ended;
      await engine.stop();
      assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
    });

    const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
    const run = (name: string, ...args: string[]): Promise<string> =>
      docker('run', '-d', '--network', 'names', '--name', name, ...args, 'busybox', 'sleep', '1000');
    const look = (...args: string[]): Promise<Outcome> => engine.docker(['exec', 'client', 'nslookup', ...args]);
    /** Addresses of a name, sorted. */
    async function addresses(name: string): Promise<string[]> {
      const { stdout } = await look('-type=a', name);
      return [...stdout.matchAll(/^Address: (\d+\.\d+\.\d+\.\d+)$/gm)].map(([, address = '']) => address).sort();
    }

    it("resolv.conf is docker's", async () => {
      assert.match(await docker('exec', 'client', 'cat', '/etc/resolv.conf'), /^nameserver 127\.0\.0\.11$/m);
    });
    const known: [what: string, name: string, addresses: string[]][] = [
      ['a container', 'web', ['10.97.0.10']],
      ['an alias', 'www', ['10.97.0.10']],
      ['an alias of two containers', 'both', ['10.97.0.10', '10.97.0.11']],
      ['a name with its network', 'web.names', ['10.97.0.10']],
      ['a name that only the server outside knows', 'a.outside.example', [OUTSIDE_ADDRESS]],
      ['an unknown name', 'nobody.example', []],
    ];
    for (const [what, name, expected] of known) it(`${what}: ${name}`, async () => assert.deepEqual(await addresses(name), expected));

    it('a name is resolved in the search domain', async () => {
      const search = ['--dns', '10.97.0.1', '--dns-search', 'lab.outside.example'];
      const stdout = await docker('run', '--rm', '--network', 'names', ...search, 'busybox', 'nslookup', '-type=a', 'host');
      assert.match(stdout, /Name:\thost\.lab\.outside\.example\nAddress: 192\.0\.2\.53/);
    });
    it('an external server with an IPv6 address', async () => {
      const outside6 = await startNameServer(engine.pid, 'fd00:97::1');
      try {
        const look = ['nslookup', '-type=a', 'a.outside.example'];
        const { stdout } = await engine.docker(['run', '--rm', '--network', 'names', '--dns', 'fd00:97::1', 'busybox', ...look]);
        assert.ok(stdout.includes(`Address: ${OUTSIDE_ADDRESS}`), stdout);
      } finally {
        const ended = once(outside6, 'exit');
        outside6.kill();
        await ended;
      }
    });
    it('reverse look-up', async () => {
      const { stdout, stderr } = await look('10.97.0.10');
      assert.match(stdout, /name = web\.names/, stderr);
    });
    it('a query by TCP', async () => {
      // Header, one question: web, A, IN.
      const query = '\\0\\x15\\x12\\x34\\x01\\0\\0\\x01\\0\\0\\0\\0\\0\\0\\x03web\\0\\0\\x01\\0\\x01';
      const { stdout } = await engine.docker(['exec', 'client', 'sh', '-c', `printf '${query}' | nc -w 5 127.0.0.11 53 | hexdump -C`]);
      assert.match(stdout, /0a 61 {1,2}00 0a/);
    });
    it("--add-host and the container's own name", async () => {
      assert.match(await docker('exec', 'client', 'cat', '/etc/hosts'), /^192\.0\.2\.9\tgiven$/m);
    });
    it('a container is reachable by its name', async () => {
      assert.match(await docker('exec', 'client', 'ping', '-c', '1', '-W', '10', 'web'), /1 packets received/);
    });
    it('a process can resolve a name directly after its start', async () => {
      assert.match(await docker('run', '--rm', '--network', 'names', 'busybox', 'nslookup', '-type=a', 'web'), /10\.97\.0\.10/);
    });
    it('a container that is added later, and a container that is replaced', async () => {
      assert.deepEqual(await addresses('late'), []);
      await run('late', '--ip', '10.97.0.20');
      assert.deepEqual(await addresses('late'), ['10.97.0.20']);
      await docker('rm', '-f', 'late');
      assert.deepEqual(await addresses('late'), []);
      await run('late', '--ip', '10.97.0.21');
      assert.deepEqual(await addresses('late'), ['10.97.0.21']);
    });
    it("a container of docker's default network that is connected later resolves names of containers, and external names over both networks", async () => {
      const address = await good(engine.inNetwork('ip', ['-4', '-o', 'address', 'show', 'docker0']));
      const [, gateway = ''] = /inet ([\d.]+)/.exec(address) ?? [];
      const first = await startNameServer(engine.pid, gateway);
      try {
        for (const server of [gateway, '10.97.0.1']) {
          await docker('run', '-d', '--name', 'connected', '--dns', server, 'busybox', 'sleep', '1000');
          await docker('network', 'connect', 'names', 'connected');
          const finds = (name: string, address: string): Promise<void> =>
            until(`${name} is found`, async () =>
              (await engine.docker(['exec', 'connected', 'nslookup', '-type=a', name])).stdout.includes(`Address: ${address}`),
            );
          await finds('web', '10.97.0.10');
          await finds('a.outside.example', OUTSIDE_ADDRESS);
          await docker('rm', '-f', 'connected');
        }
      } finally {
        const ended = once(first, 'exit');
        first.kill();
        await ended;
      }
    });
    for (const [what, options, comesBack] of [
      ['without live-restore', [], false],
      ['with live-restore', ['--live-restore'], true],
    ] as const)
      it(`dockerd is restarted ${what}: names are found again`, async () => {
        if (comesBack) await engine.restart(...options); // so that it finds the containers when it is restarted
        await docker('start', 'client', 'web', 'other');
        const boot = ['exec', 'client', 'cat', '/proc/sys/kernel/random/boot_id'];
        const before = await docker(...boot);
        assert.deepEqual(await addresses('web'), ['10.97.0.10']);
        await engine.restart(...options);
        if (!comesBack) await docker('start', 'client', 'web', 'other');
        assert.equal((await docker(...boot)) === before, comesBack || runtime === 'runc');
        await until('the container is found', async () => (await addresses('web')).length === 1);
        assert.deepEqual(await addresses('both'), ['10.97.0.10', '10.97.0.11']);
        assert.deepEqual(await addresses('a.outside.example'), [OUTSIDE_ADDRESS]);
        await docker('rm', '-f', 'other');
        assert.deepEqual(await addresses('both'), ['10.97.0.10']);
        await run('other', '--ip', '10.97.0.11', '--network-alias', 'both');
        assert.deepEqual(await addresses('both'), ['10.97.0.10', '10.97.0.11']);
      });
    it('--link gives a name to one container only', async () => {
      const { stdout } = await engine.docker([
        'run',
        '--rm',
        '--network',
        'names',
        '--link',
        'web:backend',
        'busybox',
        'nslookup',
        '-type=a',
        'backend',
      ]);
      assert.match(stdout, /10\.97\.0\.10/);
    });
  });
}
