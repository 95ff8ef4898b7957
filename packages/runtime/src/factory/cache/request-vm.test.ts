import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData } from '@grpc/grpc-js';
import { CacheServiceDefinition } from '@kata-containers/common/generated/cache';
import { grpcService } from '@kata-containers/common/grpc/service';
import { requestVm } from './request-vm.ts';

describe('requestVm: errors name the VM cache server', () => {
  let directory: string;
  let endpoint: string;
  let close: () => void = () => {};
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-cache-'));
    endpoint = join(directory, 'cache.sock');
  });
  afterEach(() => {
    close();
    rmSync(directory, { recursive: true });
  });

  async function serve(key: string): Promise<void> {
    const server = new Server();
    server.addService(grpcService(CacheServiceDefinition), {
      config: (_: unknown, answer: sendUnaryData<unknown>) =>
        answer(null, { Data: Buffer.from(JSON.stringify({ TemplateKey: key })), AgentConfig: Buffer.alloc(0) }),
      getBaseVM: (_: unknown, answer: sendUnaryData<unknown>) => answer({ code: status.UNAVAILABLE, details: 'no VM is ready' }),
      status: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, {}),
      quit: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, {}),
    });
    await new Promise((resolve) => server.bindAsync(`unix:${endpoint}`, ServerCredentials.createInsecure(), resolve));
    close = () => server.forceShutdown();
  }

  it('without a socket', () => assert.rejects(requestVm(endpoint, 'k'), /^KataError: no VM cache server listens on /));

  it('with another program on the socket', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(endpoint);
    close = () => server.close();
    await assert.rejects(requestVm(endpoint, 'k'), /^KataError: the VM cache server cannot be reached: /);
  });

  it('with another configuration', async () => {
    await serve('other');
    await assert.rejects(requestVm(endpoint, 'k'), /^KataError: the VM cache server was started with another configuration$/);
  });

  it('with no VM ready', async () => {
    await serve('k');
    await assert.rejects(
      requestVm(endpoint, 'k'),
      /^KataError: the VM cache server answers getBaseVM with an error: no VM is ready \(gRPC code 14\)$/i,
    );
  });
});
