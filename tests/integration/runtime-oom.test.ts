/** `kata-runtime kata-oom`: how engines get the report of an OOM kill, against a containerd that the test plays. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Component, Scratch } from '../support/process.ts';

/** A response of ttrpc without a status, which means success. */
const SUCCESS = Buffer.from('00000000' + '00000001' + '02' + '00', 'hex');

describe('kata-oom', function () {
  this.timeout(20_000);
  let scratch: Scratch;
  let containerd: Server | undefined;
  let connections: Socket[];

  beforeEach(() => {
    scratch = new Scratch();
    connections = [];
  });
  afterEach(() => {
    for (const connection of connections) connection.destroy();
    containerd?.close();
    containerd = undefined;
    scratch.remove();
  });

  async function listen(onEvent: (frame: Buffer, connection: Socket) => void): Promise<void> {
    containerd = createServer((connection) => {
      connections.push(connection);
      connection.on('error', () => {});
      connection.on('data', (frame: Buffer) => onEvent(frame, connection));
    });
    containerd.listen(scratch.file('ttrpc'));
    await once(containerd, 'listening');
  }

  async function report(...args: string[]): Promise<{ code: number | null; stderr: string }> {
    const runtime = new Component('runtime/dist/bin/kata-runtime', ['kata-oom', ...args, 'box']);
    const { code } = await runtime.exited;
    return { code, stderr: runtime.stderr };
  }
  const reportToContainerd = (): ReturnType<typeof report> => report('--containerd', scratch.file('ttrpc'), '--namespace', 'k8s.io');

  it('sends the event to containerd and waits for the answer', async () => {
    let text = '';
    await listen((frame, connection) => {
      text = frame.toString('latin1');
      connection.write(SUCCESS);
    });
    assert.deepEqual(await reportToContainerd(), { code: 0, stderr: '' });
    for (const part of [
      'containerd.services.events.ttrpc.v1.Events',
      'Forward',
      'k8s.io',
      '/tasks/oom',
      'containerd.events.TaskOOM',
      'box',
    ])
      assert.ok(text.includes(part), part);
  });

  const lost: [name: string, onEvent: (frame: Buffer, connection: Socket) => void, error: RegExp][] = [
    ['does not answer', () => {}, /containerd does not answer at /],
    ['closes the connection', (_frame, connection) => connection.destroy(), /containerd has closed the connection at |ECONNRESET/],
  ];
  for (const [name, onEvent, error] of lost)
    it(`fails when containerd ${name}`, async () => {
      await listen(onEvent);
      const { code, stderr } = await reportToContainerd();
      assert.equal(code, 1);
      assert.match(stderr, error);
    });

  it('fails when containerd is not running', async () => {
    const { code, stderr } = await reportToContainerd();
    assert.equal(code, 1);
    assert.match(stderr, /ENOENT/);
  });

  it('creates the files that conmon reads', async () => {
    const files = ['oom', 'persistent'].map((name) => scratch.file(name));
    assert.deepEqual(await report(...files.flatMap((file) => ['--file', file])), { code: 0, stderr: '' });
    for (const file of files) assert.ok(existsSync(file), file);
  });

  it('refuses options that name no engine', async () => {
    const { code, stderr } = await report('--namespace', 'k8s.io');
    assert.equal(code, 1);
    assert.match(stderr, /--containerd with --namespace, or --file must be given/);
  });
});
