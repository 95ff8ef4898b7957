import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { HypervisorError, QmpError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import { QmpClient } from './qmp-client.ts';
import { LineSplitter, formatQmpCommand, parseQmpMessage } from './qmp-message.ts';
import type { QmpMessage } from './qmp-message.ts';

describe('QMP messages', () => {
  const cases: [line: string, message: QmpMessage | undefined][] = [
    ['{"QMP":{"version":{}}}', { kind: 'greeting' }],
    ['{"return":{},"id":3}', { kind: 'return', id: 3, value: {} }],
    ['{"error":{"class":"GenericError","desc":"no"},"id":4}', { kind: 'error', id: 4, qmpClass: 'GenericError', description: 'no' }],
    ['{"event":"STOP","timestamp":{}}', { kind: 'event', name: 'STOP', data: {} }],
    ['{"other":1}', undefined],
    ['17', undefined],
  ];
  for (const [line, message] of cases) it(line, () => assert.deepEqual(parseQmpMessage(line), message));

  it('formats commands', () => {
    assert.equal(formatQmpCommand('quit', undefined, 1), '{"execute":"quit","id":1}\n');
    assert.equal(formatQmpCommand('device_del', { id: 'a' }, 2), '{"execute":"device_del","arguments":{"id":"a"},"id":2}\n');
  });

  it('splits lines in any chunks', () => {
    const splitter = new LineSplitter();
    assert.deepEqual([splitter.push('{"a"'), splitter.push(':1}\r\n{"b":2}\n'), splitter.push('{')], [[], ['{"a":1}', '{"b":2}'], []]);
  });

  it('refuses an endless line', () => {
    const splitter = new LineSplitter();
    assert.throws(() => splitter.push('x'.repeat((4 << 20) + 1)), RangeError);
  });
});

describe('QmpClient', () => {
  let ours: Duplex;
  let qemu: Duplex;
  let received: string[];
  beforeEach(() => {
    [ours, qemu] = duplexPair();
    received = [];
  });
  afterEach(() => {
    ours.destroy();
    qemu.destroy();
  });

  /** Answers each command by `answer(name, id)`. */
  function play(answer: (name: string, id: number) => string): void {
    qemu.write('{"QMP":{}}\r\n');
    qemu.on('data', (chunk: Buffer) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { execute, id } = JSON.parse(line) as { execute: string; id: number };
        received.push(execute);
        qemu.write(answer(execute, id));
      }
    });
  }
  const ok = (_name: string, id: number): string => `{"return":{},"id":${id}}\r\n`;

  it('negotiates and runs commands', async () => {
    play(ok);
    const client = await QmpClient.open(ours);
    assert.deepEqual(await client.execute('query-status'), {});
    assert.deepEqual(received, ['qmp_capabilities', 'query-status']);
    client.close();
  });

  it("throws QEMU's error", async () => {
    play((name, id) => (name === 'device_add' ? `{"error":{"class":"GenericError","desc":"no slot"},"id":${id}}\r\n` : ok(name, id)));
    const client = await QmpClient.open(ours);
    await assert.rejects(client.execute('device_add'), (error) => error instanceof QmpError && /device_add: no slot/.test(error.message));
    client.close();
  });

  it('delivers events, also before a reply', async () => {
    play((name, id) => `{"event":"RESUME","data":{"n":1}}\r\n${ok(name, id)}`);
    const client = await QmpClient.open(ours);
    const names: string[] = [];
    const stop = client.onEvent(({ name }) => names.push(name));
    await client.execute('cont');
    stop();
    await client.execute('cont');
    assert.deepEqual(names, ['RESUME']);
    client.close();
  });

  it('times out if QEMU does not answer', async () => {
    await assert.rejects(QmpClient.open(ours, 20), TimeoutError);
  });

  it('fails pending commands when the connection ends', async () => {
    play((name, id) => (name === 'quit' ? '' : ok(name, id)));
    const client = await QmpClient.open(ours);
    const quitting = client.execute('quit');
    qemu.destroy();
    ours.destroy();
    await assert.rejects(quitting, HypervisorError);
    await assert.rejects(client.execute('quit'), HypervisorError);
  });

  it('refuses a peer that does not speak QMP', async () => {
    qemu.write('hello\r\n');
    await assert.rejects(QmpClient.open(ours), /invalid QMP message/);
  });
});
