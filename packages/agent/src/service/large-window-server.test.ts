import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { duplexPair } from 'node:stream';
import { ServerCredentials } from '@grpc/grpc-js';
import { LargeWindowServer } from './large-window-server.ts';

it('LargeWindowServer: a client can send a whole block of input without waiting for credit', async () => {
  const server = new LargeWindowServer({ 'grpc.max_concurrent_streams': 5 });
  const [near, far] = duplexPair();
  server.createConnectionInjector(ServerCredentials.createInsecure()).injectConnection(far as never);
  const client = connect('http://localhost', { createConnection: () => near });
  const [settings] = (await once(client, 'remoteSettings')) as [{ initialWindowSize: number; maxConcurrentStreams: number }];
  assert.ok(settings.initialWindowSize > 2 << 20);
  assert.equal(settings.maxConcurrentStreams, 5);
  await new Promise<void>((resolve) => client.ping(() => resolve())); // the server's settings have arrived
  assert.ok(Number(client.state.remoteWindowSize) > 2 << 20);
  client.destroy();
});
