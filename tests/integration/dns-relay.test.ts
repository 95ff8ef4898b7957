/** kata-shim's DNS relay, with a fake guest: normal queries, and queries of a hostile guest. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { DNS_RELAY_PREFACE, DnsFrameReader, encodeDnsFrame } from '../../packages/common/src/dns/dns-relay.ts';
import type { DnsFrame } from '../../packages/common/src/dns/dns-relay.ts';
import { DockerResolver, query, response } from './docker-resolver.ts';
import { FakeAgent, never } from './fake-agent.ts';
import { openFiles } from '../support/proc-files.ts';
import { Component, SHIM, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

/** kata-proxy's socket: the test serves connections with a relay's preface; all other connections are passed to the fake agent. */
class GuestSide {
  readonly relays: Socket[] = [];
  readonly answers: DnsFrame[] = [];
  readonly #server: Server;

  constructor(path: string, agentPath: string) {
    this.#server = createServer((client) => {
      client.on('error', () => {});
      client.once('data', (first: Buffer) => {
        if (first.equals(DNS_RELAY_PREFACE)) return this.#addRelay(client);
        const agent = createConnection(agentPath).on('error', () => client.destroy());
        client.on('close', () => agent.destroy());
        agent.on('close', () => client.destroy());
        agent.write(first);
        client.pipe(agent).pipe(client);
      });
    });
    this.#server.listen(path);
  }

  #addRelay(client: Socket): void {
    const reader = new DnsFrameReader();
    this.relays.push(client);
    client.on('data', (piece: Buffer) => this.answers.push(...reader.push(piece)));
  }

  send(...frames: DnsFrame[]): void {
    this.relays.at(-1)?.write(Buffer.concat(frames.map(encodeDnsFrame)));
  }

  answerOf(token: number): Buffer | undefined {
    return this.answers.find((answer) => answer.token === token)?.message;
  }

  stop(): void {
    for (const relay of this.relays) relay.destroy();
    this.#server.close();
  }
}

/** A valid query of that length: an OPT record has the remaining bytes. */
function withOptions(length: number): Buffer {
  const question = query(1, 'web');
  const options = Buffer.alloc(length - question.length);
  options.writeUInt16BE(41, 1);
  options.writeUInt16BE(options.length - 11, 9);
  question.writeUInt16BE(1, 10);
  return Buffer.concat([question, options]);
}

describe('DNS relay', function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let agent: FakeAgent;
  let guest: GuestSide;
  let resolver: DockerResolver;
  let shim: Component;

  function start(resolvConf: string): void {
    writeFileSync(scratch.file('resolv.conf'), resolvConf);
    const args = ['-agent', `unix://${scratch.file('proxy.sock')}`, '-container', 'c', '-exec-id', 'e'];
    shim = new Component(SHIM, args, {
      KATA_SHIM_DUTIES: JSON.stringify({ resolvConf: scratch.file('resolv.conf') }),
    });
  }
  beforeEach(async () => {
    scratch = new Scratch();
    resolver = await DockerResolver.start();
    agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never, exit: never });
    guest = new GuestSide(scratch.file('proxy.sock'), scratch.file('agent.sock'));
    start('nameserver 127.0.0.11\n');
    await until('the relay connects', () => guest.relays.length === 1);
  });
  afterEach(async () => {
    await shim.kill();
    guest.stop();
    agent.stop();
    resolver.stop();
    scratch.remove();
  });

  const ask = (token: number, message: Buffer, transport: 'udp' | 'tcp' = 'udp'): void => guest.send({ token, transport, message });
  async function answerTo(token: number): Promise<Buffer> {
    await until(`query ${token} is answered`, () => guest.answerOf(token) !== undefined);
    return guest.answerOf(token) ?? Buffer.alloc(0);
  }

  it('answers by UDP and by TCP have the id of their query', async () => {
    ask(7, query(0x1234, 'web'));
    ask(8, query(0x4321, 'web'), 'tcp');
    assert.deepEqual(await answerTo(7), response(query(0x1234, 'web'), 'udp'));
    assert.deepEqual(await answerTo(8), response(query(0x4321, 'web'), 'x'.repeat(60_000)));
  });

  it('100 concurrent queries with one id get their own answers, and use few ports', async () => {
    for (let token = 0; token < 100; token++) ask(token, query(1, `n${token}`));
    await until('all are answered', () => guest.answers.length === 100);
    for (const { token, message } of guest.answers) assert.deepEqual(message, response(query(1, `n${token}`), 'udp'));
    assert.ok(new Set(resolver.seen.map(({ port }) => port)).size <= 3);
  });

  const hostile: [what: string, message: Buffer, transport?: 'tcp'][] = [
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.alloc(1)],
    ['a header alone', query(1, 'web').subarray(0, 12)],
    ['a cut query', query(1, 'web').subarray(0, -1)],
    ['bytes behind a query', Buffer.concat([query(1, 'web'), Buffer.from('smuggled')])],
    ['bytes behind a query by TCP', Buffer.concat([query(1, 'web'), Buffer.alloc(60_000)]), 'tcp'],
    ['a response', response(query(1, 'web'), '')],
    ['a dynamic update', Buffer.concat([query(1, 'web').subarray(0, 2), Buffer.from([0x28]), query(1, 'web').subarray(3)])],
    [
      'two questions',
      Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 2, 0, 0, 0, 0, 0, 0]), query(1, 'a').subarray(12), query(1, 'b').subarray(12)]),
    ],
    ['a pointer that points to itself', Buffer.concat([query(1, 'web').subarray(0, 12), Buffer.from([0xc0, 12, 0, 1, 0, 1])])],
    ['pointers that point to each other', Buffer.concat([query(1, 'web').subarray(0, 12), Buffer.from([0xc0, 14, 0xc0, 12, 0, 1, 0, 1])])],
    ['a pointer behind a label', Buffer.concat([query(1, 'web').subarray(0, 16), Buffer.from([0xc0, 12, 0, 1, 0, 1])])],
    [
      'a name of 321 bytes',
      Buffer.concat([
        query(1, 'web').subarray(0, 12),
        ...Array.from({ length: 5 }, () => Buffer.alloc(64, 63)),
        Buffer.from([0, 0, 1, 0, 1]),
      ]),
    ],
    ['a valid query of 4,097 bytes by UDP', withOptions(4097)],
    ['options longer than the message', withOptions(400).subarray(0, -1)],
    ['a label beyond the end', Buffer.concat([query(1, 'web').subarray(0, 12), Buffer.from([63, 1, 2])])],
    [
      '65,535 records that are not there',
      Buffer.concat([Buffer.from([0, 1, 1, 0, 0, 1, 255, 255, 255, 255, 255, 255]), query(1, 'web').subarray(12)]),
    ],
    ['HTTP', Buffer.from('GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\n\r\n'), 'tcp'],
    ['64 KiB of zeros', Buffer.alloc(65535), 'tcp'],
    ['64 KiB of ones', Buffer.alloc(65535, 255)],
  ];
  for (const [what, message, transport] of hostile) {
    it(`${what} is answered by nothing and does not cross; the next query is answered`, async () => {
      ask(1, message, transport);
      assert.equal((await answerTo(1)).length, 0);
      ask(2, query(2, 'web'));
      assert.deepEqual(await answerTo(2), response(query(2, 'web'), 'udp'));
      assert.deepEqual(
        resolver.seen.map((seen) => seen.message.subarray(2)),
        [query(2, 'web').subarray(2)],
      );
    });
  }

  it('random changes of a query: only valid queries are forwarded', async () => {
    const seed = query(1, 'web');
    for (let round = 0; round < 2000; round++) {
      const message = Buffer.from(seed);
      for (let change = 0; change <= round % 3; change++)
        message[(round * 7 + change * 5) % message.length] = (round * 31 + change * 97) & 0xff;
      ask(round % 400, message);
      if (round % 400 === 399) await until('the relay keeps up', () => guest.answers.length >= round - 400);
    }
    ask(60_000, query(9, 'last'));
    assert.deepEqual(await answerTo(60_000), response(query(9, 'last'), 'udp'));
    for (const { message } of resolver.seen) {
      assert.equal(message.readUInt16BE(2) & 0xf800, 0);
      assert.equal(message.readUInt16BE(4), 1);
    }
  });

  it('queries beyond the limit get an empty answer', async () => {
    for (let token = 0; token < 1000; token++) ask(token, query(token, `silent${token}`));
    await until('those over the limit are answered', () => guest.answers.length === 1000 - 512);
    assert.ok(guest.answers.every(({ message }) => message.length === 0));
  });

  for (const [transport, most] of [
    ['udp', 21], // one a second, for 20 s
    ['tcp', 512],
  ] as const)
    it(`10,000 queries by ${transport} that are never answered use at most ${most} sockets, and later queries are answered`, async () => {
      const sockets = (): number => openFiles(Number(shim.child.pid)).filter(({ path }) => path.startsWith('socket:')).length;
      const idle = sockets();
      const before = shim.residentMiB();
      let seen = 0;
      for (let token = 0; token < 10_000; token++) {
        ask(token, query(token, `silent${token}`), transport);
        if (token % 500 !== 499) continue;
        await until('the relay keeps up', () => guest.answers.length >= token - 512);
        seen = Math.max(seen, sockets() - idle);
      }
      assert.ok(seen <= most, `${seen} sockets`);
      await until('docker has not answered in time', () => guest.answers.length === 10_000, 40_000);
      assert.ok(guest.answers.every(({ message }) => message.length === 0));
      ask(10_000, query(1, 'web'), transport);
      assert.ok((await answerTo(10_000)).length > 0);
      await until('the relay closes its sockets', () => sockets() <= idle + 1);
      assert.ok(shim.residentMiB() - before < 60, `${before.toFixed(0)} → ${shim.residentMiB().toFixed(0)} MiB`);
    });

  it('a flood of queries whose answers are not read does not grow memory', async () => {
    const [relay] = guest.relays;
    assert.ok(relay);
    relay.removeAllListeners('data').pause();
    const before = shim.residentMiB();
    const flood = Buffer.concat(
      Array.from({ length: 500 }, (_, token) => encodeDnsFrame({ token, transport: 'udp', message: query(1, 'web') })),
    );
    for (let round = 0; round < 200; round++) if (!relay.write(flood)) await once(relay, 'drain');
    assert.ok(shim.residentMiB() - before < 60, `${before.toFixed(0)} → ${shim.residentMiB().toFixed(0)} MiB`);
    assert.equal(shim.child.exitCode, null);
  });

  it('invalid frames end the relay but not the shim', async () => {
    const [relay] = guest.relays;
    assert.ok(relay);
    const ended = once(relay, 'close');
    relay.write(Buffer.alloc(64, 255));
    await ended;
    assert.equal(shim.child.exitCode, null);
  });

  it('queries are answered after a restart of the resolver', async () => {
    ask(1, query(1, 'web'));
    await answerTo(1);
    resolver.stop();
    ask(2, query(2, 'web'));
    assert.equal((await answerTo(2)).length, 0);
    resolver = await DockerResolver.start();
    ask(3, query(3, 'web'));
    assert.deepEqual(await answerTo(3), response(query(3, 'web'), 'udp'));
  });
});

/** Whether a process has an inotify(7) file open. */
const watchesFiles = ({ child }: Component): boolean => openFiles(Number(child.pid)).some(({ path }) => path.includes('inotify'));

describe("DNS relay without docker's resolver at the start", function () {
  this.timeout(60_000);
  it('connects when resolv.conf names the resolver of docker', async () => {
    const scratch = new Scratch();
    const agent = await FakeAgent.start(scratch.file('agent.sock'), { stdout: never, exit: never });
    const guest = new GuestSide(scratch.file('proxy.sock'), scratch.file('agent.sock'));
    const file = scratch.file('resolv.conf');
    writeFileSync(file, 'nameserver 192.0.2.1\n');
    const args = ['-agent', `unix://${scratch.file('proxy.sock')}`, '-container', 'c', '-exec-id', 'e'];
    const shim = new Component(SHIM, args, { KATA_SHIM_DUTIES: JSON.stringify({ resolvConf: file }) });
    try {
      await until('the shim watches the file', () => watchesFiles(shim));
      assert.equal(guest.relays.length, 0);
      writeFileSync(file, 'nameserver 127.0.0.11\noptions ndots:0\n');
      await until('the relay connects', () => guest.relays.length === 1);
    } finally {
      await shim.kill();
      guest.stop();
      agent.stop();
      scratch.remove();
    }
  });
});
