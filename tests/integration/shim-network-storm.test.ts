/** kata-shim watches a network namespace in which links, addresses and routes change faster than it reads. The test plays agent and helper. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { FakeAgent, never } from './fake-agent.ts';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { Component, SHIM, Scratch } from '../support/process.ts';
import { readEntries } from '../support/proc-files.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';

/** Each round changes MTU, address and route twice, and is about eight messages. */
const ROUNDS = 2000;
/** Tolerance for uncollected objects. */
const SLACK_MIB = 8;
const LINK = 'eth0';

const storm = Array.from({ length: ROUNDS }, (_, round) => {
  const [address, route] = [`10.8.${round >> 8}.${round & 255}/32`, `10.7.${round >> 8}.${round & 255}/32`];
  return [
    `link set ${LINK} mtu ${1400 + (round % 2)}`,
    `address add ${address} dev ${LINK}`,
    `route add ${route} dev ${LINK}`,
    `route del ${route}`,
    `address del ${address} dev ${LINK}`,
  ];
}).flat();

describe('kata-shim in a storm of network changes', function () {
  this.timeout(120_000);
  let scratch: Scratch;
  let agent: FakeAgent;
  let holder: ChildProcess;
  let shim: Component;
  let helper: Socket;
  /** Requests of the shim to the helper. */
  let requests: string[];

  beforeEach(async () => {
    scratch = new Scratch();
    requests = [];
    holder = spawn('unshare', ['--net', 'sh', '-c', 'echo; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
    assert.ok(holder.stdout);
    await once(holder.stdout, 'data');
    await ip('link', 'add', LINK, 'type', 'veth', 'peer', 'name', 'peer');
    // Without link-local addresses, which would change by themselves.
    for (const link of ['peer', LINK]) await ip('link', 'set', link, 'addrgenmode', 'none', 'up');
    agent = await FakeAgent.start(scratch.file('agent.sock'), { exit: never, stdout: never, stderr: never });
    startShim();
    await until('the shim watches the network', () => monitors().length === 1);
  });
  afterEach(async () => {
    await shim.kill();
    helper.destroy();
    agent.stop();
    const ended = once(holder, 'exit');
    holder.kill('SIGKILL');
    await ended;
    scratch.remove();
  });

  const enter = (): [program: string, namespace: string] => ['nsenter', `--net=/proc/${holder.pid}/ns/net`];
  async function ip(...args: string[]): Promise<void> {
    const [program, namespace] = enter();
    await good(run(program, [namespace, 'ip', ...args]));
  }
  async function makeStorm(): Promise<void> {
    const file = scratch.file('batch');
    writeFileSync(file, storm.map((line) => `${line}\n`).join(''));
    await ip('-batch', file);
  }

  function startShim(): void {
    const [own, other] = linuxKernel.socketPair();
    helper = new Socket({ fd: own });
    helper.on('error', () => {});
    helper.on('data', (bytes: Buffer) => requests.push(...bytes.toString().split('\n').slice(0, -1)));
    const program = scratch.file('kata-shim');
    writeFileSync(program, `#!/bin/sh\nexec ${enter().join(' ')} ${resolve(import.meta.dirname, '../../packages', SHIM)} "$@"\n`);
    chmodSync(program, 0o755);
    const args = ['-agent', `unix://${scratch.file('agent.sock')}`, '-container', 'box', '-exec-id', 'box'];
    const duties = { helper: 3, named: true, requests: ['network'] };
    shim = new Component(program, args, { KATA_SHIM_DUTIES: JSON.stringify(duties) }, [other]);
    closeSync(other);
  }
  const answer = (): boolean => helper.write('network 0\n');

  interface Monitor {
    /** Bytes that the shim has not read. */
    readonly unread: number;
    /** Lost messages. */
    readonly drops: number;
  }
  /** The shim's netlink sockets with multicast groups, from the namespace's /proc/net/netlink: the fifth, ninth and tenth column. */
  function monitors(): Monitor[] {
    const sockets = new Set(readEntries(`/proc/${shim.child.pid}/fd`, (path) => /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1]));
    const rows = readFileSync(`/proc/${holder.pid}/net/netlink`, 'latin1').trim().split('\n').slice(1);
    return rows.flatMap((row) => {
      const [, , , groups = '0', unread, , , , drops, inode] = row.trim().split(/\s+/);
      return Number.parseInt(groups, 16) !== 0 && sockets.has(inode) ? [{ unread: Number(unread), drops: Number(drops) }] : [];
    });
  }
  const isRead = (): boolean => monitors()[0]?.unread === 0;

  it('the shim does not grow, and requests one more run however much changes during a run', async () => {
    await ip('address', 'add', '10.9.9.1/24', 'dev', LINK);
    await until('the change is noticed', () => requests.length > 0);
    await makeStorm(); // the shim has read much before its memory is measured
    await until('all messages are read', isRead);
    const before = shim.residentMiB();
    for (let count = 0; count < 3; count++) await makeStorm();
    await until('all messages are read', isRead);
    const grown = shim.residentMiB() - before;
    assert.ok(grown < SLACK_MIB, `grew by ${grown.toFixed(1)} MiB`);
    answer();
    await until('the changes during the run are noticed', () => requests.length > 1);
    answer();
    await ip('address', 'add', '10.9.9.2/24', 'dev', LINK);
    await until('the last change is noticed', () => requests.length > 2);
    assert.deepEqual(requests, Array(3).fill('named network'));
  });

  it('a change whose message is lost is noticed, and later changes', async () => {
    shim.child.kill('SIGSTOP');
    for (let storms = 0; monitors()[0]?.drops === 0; storms++) {
      assert.ok(storms < 50, 'no message was lost');
      await makeStorm();
    }
    await ip('address', 'add', '10.9.9.1/24', 'dev', LINK);
    shim.child.kill('SIGCONT');
    await until('the changes are noticed', () => requests.length > 0);
    await until('all messages are read', isRead);
    answer();
    await ip('address', 'add', '10.9.9.2/24', 'dev', LINK);
    await until('a later change is noticed', () => requests.length > 1);
    assert.equal(shim.stderr, '');
  });
});
