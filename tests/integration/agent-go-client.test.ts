/** A client like the grpc-go of 1.x: its `:authority` is the address that it dialled. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import type { ClientHttp2Session } from 'node:http2';
import { AgentOnHost } from './agent-on-host.ts';

const AUTHORITY = 'unix:////run/vc/sbs/0123456789abcdef/proxy.sock';

describe('kata-agent with a grpc-go client', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  let session: ClientHttp2Session;
  before(async () => {
    host = await AgentOnHost.start();
    const stream = await host.openStream();
    session = connect('http://localhost', { createConnection: () => stream });
    session.on('error', () => {});
  });
  after(async () => {
    session.destroy();
    await host.stop();
  });

  /** Makes a call with an empty request. @returns grpc-status and the bytes of the response without their prefix */
  async function call(path: string, timeout: string, authority = AUTHORITY): Promise<[status: string, body: string]> {
    const request = session.request({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': path,
      ':authority': authority,
      'content-type': 'application/grpc',
      'user-agent': 'grpc-go/1.11.3',
      te: 'trailers',
      'grpc-timeout': timeout,
    });
    let status = '';
    const chunks: Buffer[] = [];
    const note = (headers: Record<string, unknown>): void => {
      status = String(headers['grpc-status'] ?? status);
    };
    request.on('response', note);
    request.on('trailers', note);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.end(Buffer.alloc(5)); // not compressed, no bytes
    await once(request, 'close');
    return [status, Buffer.concat(chunks).subarray(5).toString('hex')];
  }

  it('answers a call', async () => assert.deepEqual(await call('/grpc.Health/Check', '30S'), ['0', '0801']));

  it('answers calls after the client has filled and emptied its header table', async () => {
    // Each call has another deadline; after about a hundred values the authority is evicted from the table.
    for (let index = 0; index < 300; index++) {
      const [status] = await call('/grpc.Health/Check', `${30_000_000 + index}u`);
      assert.equal(status, '0', `call ${index}`);
    }
  });

  it('reports errors as to other clients', async () => assert.equal((await call('/grpc.AgentService/StartContainer', '30S'))[0], '5'));
});
