/** kata-proxy forwards connections to 127.0.0.1 of its network namespace; the test plays the agent. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { encodePortForward } from '../../packages/common/src/port-forward/port-forward.ts';
import { Component, PROXY } from '../support/process.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { ProxyRig } from './proxy-rig.ts';

const PROGRAM = join(import.meta.dirname, '../../packages', PROXY);
/** Sends the request, and prints the answer, or the name of the error. */
const CLIENT = `
const [request, host, port] = process.argv.slice(1);
const socket = require('node:net').connect({ host, port });
socket.on('error', ({ code }) => console.log(code));
socket.end(request);
socket.pipe(process.stdout);
`;
const ON = { KATA_PROXY_PORT_FORWARD: 'on' };

describe('kata-proxy of a pod', function () {
  this.timeout(30_000);
  let rig: ProxyRig;
  let proxy: Component;
  /** What each stream to the agent began with, in hexadecimal. */
  let begun: string[];
  beforeEach(() => {
    rig = new ProxyRig();
    begun = [];
  });
  afterEach(async () => {
    await proxy.kill();
    await rig.stop();
  });

  /** Reads to the end, and answers with what follows the port; resets the stream when that is "reset". */
  function serve(stream: Duplex): void {
    let got = Buffer.alloc(0);
    stream.on('error', () => {});
    stream.on('data', (piece: Buffer) => (got = Buffer.concat([got, piece])));
    stream.on('end', () => {
      const head = encodePortForward(0).length;
      begun.push(got.toString('hex', 0, head));
      const request = got.toString('utf8', head);
      if (request === 'reset') stream.destroy(new Error('refused'));
      else stream.end(`answer to ${request}`);
    });
  }
  async function start(environment: NodeJS.ProcessEnv, namespace: string): Promise<void> {
    void rig.listen('kata.sock', (connection) => void new YamuxSession('server', connection, { onStream: serve }));
    const sockets = ['-listen-socket', rig.scratch.file('proxy.sock'), '-mux-socket', rig.scratch.file('kata.sock')];
    const command = [PROGRAM, ...sockets];
    proxy = new Component('/usr/bin/env', ['sh', '-c', `exec ${namespace} "$@"`, 'sh', ...command], environment);
    await until('the proxy listens', () => existsSync(rig.scratch.file('proxy.sock')));
  }
  const startInPod = (environment: NodeJS.ProcessEnv = ON): Promise<void> =>
    start(environment, `unshare --net sh -c 'ip link set lo up && exec "$@"' sh`);
  const send = async (request: string, address: string, port: number): Promise<string> => {
    const namespace = `--net=/proc/${proxy.child.pid}/ns/net`;
    return (await run('nsenter', [namespace, process.execPath, '-e', CLIENT, request, address, String(port)])).stdout.trim();
  };

  it('sends the port and then the bytes of each connection to the agent, for any port', async () => {
    await startInPod();
    for (const port of [1, 80, 65535]) assert.equal(await send(`port ${port}`, '127.0.0.1', port), `answer to port ${port}`);
    assert.deepEqual(
      begun,
      [1, 80, 65535].map((port) => encodePortForward(port).toString('hex')),
    );
  });
  it('resets a connection whose stream was reset', async () => {
    await startInPod();
    assert.equal(await send('reset', '127.0.0.1', 80), 'ECONNRESET');
  });
  for (const address of ['127.0.0.2', '::1'])
    it(`does not accept connections to ${address}`, async () => {
      await startInPod();
      assert.equal(await send('request', address, 80), 'ECONNREFUSED');
    });
  it('does not accept connections without the variable', async () => {
    await startInPod({});
    assert.equal(await send('request', '127.0.0.1', 80), 'ECONNREFUSED');
  });
  it('does not accept connections in the network namespace of the host', async () => {
    await start(ON, '');
    assert.match(proxy.stderr, /level=warning msg="kubectl port-forward does not work for this pod" .*the network namespace is the host's/);
    assert.equal(await send('request', '127.0.0.1', 1), 'ECONNREFUSED');
  });
});
