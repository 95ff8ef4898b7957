import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData } from '@grpc/grpc-js';
import { CacheServiceDefinition } from '@kata-containers/common/generated/cache';
import { grpcService } from '@kata-containers/common/grpc/service';
import { identifyProcess, isAlive } from '@kata-containers/common/process/process-identity';
import { endCacheServer } from './end-server.ts';

describe('endCacheServer', () => {
  let directory: string;
  let endpoint: string;
  let server: Server;
  let child: ChildProcess;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-cache-'));
    endpoint = join(directory, 'cache.sock');
    server = new Server();
    child = spawn('sleep', ['100'], { stdio: 'ignore' });
  });
  afterEach(async () => {
    server.forceShutdown();
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  });

  async function serve(quit: (answer: () => void) => void): Promise<void> {
    server.addService(grpcService(CacheServiceDefinition), {
      status: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, { pid: BigInt(child.pid ?? 0), vmstatus: [] }),
      quit: (_: unknown, answer: sendUnaryData<unknown>) => quit(() => answer(null, {})),
    });
    await new Promise((resolve) => server.bindAsync(`unix:${endpoint}`, ServerCredentials.createInsecure(), resolve));
  }
  const endLater = (): void => void setTimeout(() => child.kill(), 200);

  const answers: [what: string, quit: (answer: () => void) => void][] = [
    ['that answers', (answer) => (endLater(), answer())],
    ['whose connection ends before its answer', () => (endLater(), server.forceShutdown())],
  ];
  for (const [what, quit] of answers)
    it(`waits for the end of a server ${what}`, async () => {
      await serve(quit);
      const identity = identifyProcess(child.pid ?? 0);
      assert.equal(await endCacheServer(endpoint), undefined);
      assert.ok(identity && !isAlive(identity));
    });

  it('returns the pid of a server that does not end', async () => {
    await serve((answer) => answer());
    assert.equal(await endCacheServer(endpoint, 50), child.pid);
  });

  it('reports the failure of a server that does not end', async () => {
    await serve(() => server.forceShutdown());
    await assert.rejects(endCacheServer(endpoint, 50), /^KataError: the VM cache server /);
  });
});
