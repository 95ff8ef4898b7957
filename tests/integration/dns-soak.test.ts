/**
 * 1,000 look-ups a second from a process beside the agent to docker's resolver: agent, relay in the shim, resolver in another network
 * namespace. KATA_SOAK_LOOKUP_SECONDS=60 for the long form, which prints its measurements.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { Component, SHIM } from '../support/process.ts';
import { until } from '../support/until.ts';
import { AgentOnHost } from './agent-on-host.ts';
import { DockerResolver } from './docker-resolver.ts';

const SECONDS = Number(process.env['KATA_SOAK_LOOKUP_SECONDS'] ?? 3);
const WARM_UP_SECONDS = 3;
const RATE = 1000;
/** Far fewer bytes than a socket's receive buffer holds: even a busy machine loses no packets. */
const AT_A_TIME = 64;
/** Tolerance for uncollected objects and the memory that the allocators keep. */
const SLACK_MIB = 16;

/** Queries 127.0.0.11 once for each name, and ends with the last answer. Prints the duration in milliseconds. */
const ASK = `
const [rate, seconds, window] = process.argv.slice(1).map(Number);
const total = rate * seconds, open = new Set();
const began = performance.now();
let sent = 0;
const socket = require('node:dgram').createSocket('udp4', (message) => {
  const name = message.toString('latin1', 13, 13 + message[12]);
  if (!open.delete(name)) throw new Error('an answer to no question: ' + name);
  if (sent === total && open.size === 0) { console.log(performance.now() - began); process.exit(0); }
});
setInterval(() => {
  const due = Math.min(total, (performance.now() - began) / 1000 * rate);
  while (sent < due && open.size < window) {
    const name = 'n' + sent++;
    open.add(name);
    const id = sent & 65535;
    const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length]);
    socket.send(Buffer.concat([head, Buffer.from(name), Buffer.from([0, 0, 1, 0, 1])]), 53, '127.0.0.11');
  }
}, 5);
`;

describe(`${RATE} look-ups a second for ${SECONDS} s`, function () {
  this.timeout((WARM_UP_SECONDS + SECONDS) * 10_000 + 30_000);
  let host: AgentOnHost;
  let resolver: DockerResolver;
  let shim: Component;
  before(async () => {
    resolver = await DockerResolver.start();
    host = await AgentOnHost.start({ dns: ['nameserver 127.0.0.11'] });
    writeFileSync(host.scratch.file('resolv.conf'), 'nameserver 127.0.0.11\n');
    const id = await host.run(['/bin/sleep', '1000']);
    const args = ['-agent', `unix://${host.scratch.file('proxy.sock')}`, '-container', id, '-exec-id', id];
    const duties = JSON.stringify({ resolvConf: host.scratch.file('resolv.conf') });
    shim = new Component(SHIM, args, { KATA_SHIM_DUTIES: duties });
  });
  after(async () => {
    await shim.kill();
    await host.stop();
    resolver.stop();
  });

  /** @returns the duration in milliseconds. @throws Error when a query is not answered */
  async function ask(seconds: number): Promise<number> {
    const where = ['-t', String(host.pid), '-m', '-n', process.execPath, '-e', ASK, ...[RATE, seconds, AT_A_TIME].map(String)];
    const { stdout } = await promisify(execFile)('nsenter', where, { timeout: seconds * 10_000 });
    return Number(stdout);
  }
  const measure = () => ({
    shimMiB: shim.residentMiB(),
    shimFds: readdirSync(`/proc/${shim.child.pid}/fd`).length,
    agentMiB: host.resident('VmRSS') / 1024,
    agentFds: host.openDescriptors,
  });

  it('every one is answered, and shim and agent do not grow', async () => {
    await ask(WARM_UP_SECONDS);
    resolver.seen.length = 0;
    const before = measure();
    const milliseconds = await ask(SECONDS);
    await until('the relay closes its sockets', () => measure().shimFds <= before.shimFds);
    const after = measure();
    if (process.env['KATA_SOAK_LOOKUP_SECONDS'] !== undefined) console.log({ before, after, milliseconds });
    assert.equal(resolver.seen.length, RATE * SECONDS);
    assert.ok(after.agentFds <= before.agentFds, `${before.agentFds} fds of the agent, then ${after.agentFds}`);
    for (const [name, grown] of [
      ['shim', after.shimMiB - before.shimMiB],
      ['agent', after.agentMiB - before.agentMiB],
    ] as const)
      assert.ok(grown < SLACK_MIB, `the ${name} grew by ${grown.toFixed(1)} MiB`);
  });
});
