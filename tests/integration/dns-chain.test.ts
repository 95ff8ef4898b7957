/** DNS queries from a process beside the agent to docker's resolver: agent, relay in the shim, resolver in another network namespace. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { AgentOnHost } from './agent-on-host.ts';
import { DockerResolver } from './docker-resolver.ts';
import { Component, SHIM } from '../support/process.ts';
import { until } from '../support/until.ts';

/**
 * Queries 127.0.0.11 in the agent's network namespace, in another process. Input: JSON of id and name of each query; output: the text after
 * each answer.
 */
const ASK = `
const [transport, list] = process.argv.slice(1);
const names = JSON.parse(list);
const question = (id, name) => Buffer.concat([Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length]), Buffer.from(name), Buffer.from([0, 0, 1, 0, 1])]);
const answers = {};
const take = (message) => {
  const name = message.toString('latin1', 13, 13 + message[12]);
  answers[name] = message.readUInt16BE(0) + ' ' + message.subarray(12 + name.length + 6).length;
  if (Object.keys(answers).length === names.length) { console.log(JSON.stringify(answers)); process.exit(0); }
};
if (transport === 'udp') {
  const socket = require('node:dgram').createSocket('udp4', take);
  names.forEach((name, id) => socket.send(question(id, name), 53, '127.0.0.11'));
} else {
  let held = Buffer.alloc(0);
  const socket = require('node:net').connect(53, '127.0.0.11');
  socket.on('data', (piece) => {
    held = Buffer.concat([held, piece]);
    while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) { const end = 2 + held.readUInt16BE(0); take(held.subarray(2, end)); held = held.subarray(end); }
  });
  names.forEach((name, id) => { const m = question(id, name); const l = Buffer.alloc(2); l.writeUInt16BE(m.length); socket.write(Buffer.concat([l, m])); });
}
`;

describe('DNS from the guest to docker', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  let resolver: DockerResolver;
  let shim: Component | undefined;
  beforeEach(async () => {
    resolver = await DockerResolver.start();
  });
  afterEach(async () => {
    await shim?.kill();
    shim = undefined;
    await host.stop();
    resolver.stop();
  });

  async function ask(transport: 'udp' | 'tcp', names: readonly string[]): Promise<unknown> {
    const where = ['-t', String(host.pid), '-m', '-n', process.execPath, '-e', ASK, transport, JSON.stringify(names)];
    const { stdout } = await promisify(execFile)('nsenter', where, { timeout: 5000 }).catch(() => ({ stdout: 'null' }));
    return JSON.parse(stdout);
  }
  function startShim(id: string): void {
    const args = ['-agent', `unix://${host.scratch.file('proxy.sock')}`, '-container', id, '-exec-id', id];
    const duties = JSON.stringify({ resolvConf: host.scratch.file('resolv.conf') });
    shim = new Component(SHIM, args, { KATA_SHIM_DUTIES: duties });
  }

  it("answers by UDP and TCP have the ids and sizes of the resolver's answers", async () => {
    host = await AgentOnHost.start({ dns: ['nameserver 127.0.0.11'] });
    writeFileSync(host.scratch.file('resolv.conf'), 'nameserver 127.0.0.11\n');
    startShim(await host.run(['/bin/sleep', '1000']));
    await until('the relay works', async () => (await ask('udp', ['web'])) !== null, 20_000);
    assert.deepEqual(await ask('udp', ['web', 'db', 'cache']), { web: '0 3', db: '1 3', cache: '2 3' });
    assert.deepEqual(await ask('tcp', ['web', 'db']), { web: '0 60000', db: '1 60000' });
  });

  it('the first query of a container is answered if docker writes resolv.conf after CreateSandbox', async () => {
    host = await AgentOnHost.start();
    const source = host.scratch.file('resolv.conf');
    writeFileSync(source, 'nameserver 10.0.0.1\n');
    const id = await host.create(['/bin/sleep', '1000'], {
      Mounts: [{ destination: '/etc/resolv.conf', source, type: 'bind', options: ['bind', 'ro'] }],
    });
    writeFileSync(source, 'nameserver 127.0.0.11\n');
    await host.agent.call('startContainer', { container_id: id });
    const answer = ask('udp', ['web']);
    startShim(id);
    assert.deepEqual(await answer, { web: '0 3' });
  });
});
