/** Injected code of a guest in kata-proxy and kata-shim: confined by default, and as a control without confinement. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { join } from 'node:path';
import { once } from 'node:events';
import { installEngine } from '../../packaging/engine/install.ts';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { FakeAgent, never } from './fake-agent.ts';
import type { Targets } from './fakes/takeover.ts';
import { Component, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

/** Attempts that fail on machines whose kernel lacks the feature. */
const missing = existsSync('/proc/modules') ? [] : ['load_module'];

describe('code that a guest has injected', function () {
  this.timeout(60_000);
  const victim = spawn('sleep', ['1000']);
  const engine = new Scratch();
  before(() => installEngine(engine.path, join(import.meta.dirname, 'fakes/taken-over.ts')));
  let scratch: Scratch;
  let targets: Targets;
  let component: Component | undefined;
  const servers: Server[] = [];
  let agent: FakeAgent | undefined;
  beforeEach(async () => {
    scratch = new Scratch();
    const abstract = `\0kata-${process.pid}`;
    mkdirSync(scratch.file('other'), { mode: 0o700 });
    writeFileSync(scratch.file('canary'), 'secret', { mode: 0o600 });
    const listen = async (at: string | number): Promise<Server> => {
      const server = createServer((peer) => peer.on('error', () => {}).end());
      servers.push(typeof at === 'number' ? server.listen(at, '127.0.0.1') : server.listen(at));
      await once(server, 'listening');
      return server;
    };
    await listen(scratch.file('docker.sock'));
    await listen(abstract);
    const { port } = (await listen(0)).address() as AddressInfo;
    chmodSync(scratch.file('docker.sock'), 0o600);
    const paths = { canary: scratch.file('canary'), socket: scratch.file('docker.sock'), other: scratch.file('other') };
    targets = { ...paths, abstract, port, victim: victim.pid ?? 0 };
  });
  afterEach(async () => {
    await component?.kill();
    agent?.stop();
    component = agent = undefined;
    for (const server of servers.splice(0)) server.close();
    scratch.remove();
  });
  after(() => {
    victim.kill();
    engine.remove();
  });

  const environment = (isConfined: boolean): NodeJS.ProcessEnv => ({
    TAKEOVER: JSON.stringify(targets),
    KATA_CONFINE: isConfined ? 'on' : 'off',
  });

  const program = (name: string): string => engine.file(`libexec/kata-containers/${name}`);

  async function proxy(isConfined: boolean): Promise<Component> {
    const guest = createServer((connection) => void new YamuxSession('server', connection, { onStream: () => {} }));
    servers.push(guest.listen(scratch.file('kata.sock')));
    const args = ['-listen-socket', scratch.file('proxy.sock'), '-mux-socket', scratch.file('kata.sock')];
    const started = new Component(program('kata-proxy'), args, environment(isConfined));
    component = started;
    await until('the proxy listens', () => existsSync(scratch.file('proxy.sock')));
    return started;
  }

  async function shim(isConfined: boolean): Promise<Component> {
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never, exit: never });
    const args = ['-agent', `unix://${scratch.file('agent.sock')}`, '-container', 'c', '-exec-id', 'e'];
    const started = new Component(program('kata-shim'), args, environment(isConfined));
    component = started;
    const { seen } = agent;
    started.child.stdin.write('x');
    await until('the shim relays', () => seen.input.length > 0);
    return started;
  }

  /** The attempts that succeeded. */
  async function results(started: Component, wanted: 'allowed' | 'denied'): Promise<string[]> {
    const pid = started.child.pid ?? 0;
    started.child.kill('SIGUSR2');
    await until('all attempts are reported', () => started.stderr.includes('done\n') || started.child.exitCode !== null);
    const found = [...started.stderr.matchAll(/^(\w+)=(allowed|denied)$/gm)];
    assert.ok(found.length > 20, started.stderr);
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8').length > 0, true, 'the process continues to run');
    return found.flatMap(([, name = '', result]) => (result === wanted ? [name] : []));
  }

  for (const [name, start] of [
    ['kata-proxy', proxy],
    ['kata-shim', shim],
  ] as const) {
    it(`in a confined ${name}: no attempt succeeds`, async () => assert.deepEqual(await results(await start(true), 'allowed'), []));
    it(`in an unconfined ${name}: all attempts succeed`, async () =>
      assert.deepEqual(await results(await start(false), 'denied'), missing));
  }
});
