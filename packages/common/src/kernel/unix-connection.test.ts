import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectUnix } from './unix-connection.ts';

describe('connectUnix', () => {
  let directory = '';
  let server: Server | undefined;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kata-unix-'))));
  afterEach(() => {
    server?.close();
    rmSync(directory, { recursive: true });
  });

  async function listen(serve: Parameters<typeof createServer>[1]): Promise<string> {
    const path = join(directory, 's');
    server = createServer(serve).listen(path);
    await once(server, 'listening');
    return path;
  }

  it('sends and receives', async () => {
    const path = await listen((peer) => peer.on('data', (piece) => peer.write(`${String(piece)} pong`)));
    const connection = connectUnix(path);
    connection.write('ping');
    assert.deepEqual((await once(connection, 'data')).map(String), ['ping pong']);
    connection.destroy();
  });

  it('closes when the server has ended', async () => {
    const got: string[] = [];
    const readBuffer = Buffer.alloc(64);
    const connection = connectUnix(await listen((peer) => peer.end('last words')), {
      readBuffer,
      onRead: (piece) => got.push(String(piece)) > 0,
    });
    connection.resume();
    await once(connection, 'close');
    assert.deepEqual(got, ['last words']);
  });

  it('fails at once when no server listens', () => assert.throws(() => connectUnix(join(directory, 'nobody')), { code: 'ENOENT' }));
});
