import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shareFacts } from './share.ts';

describe('types of mount sources', () => {
  it('a socket is shared as a file; a device node refers to a device of the guest', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kinds-'));
    const [file, socket] = [join(directory, 'file'), join(directory, 'socket')];
    writeFileSync(file, '');
    const server = createServer().listen(socket);
    await once(server, 'listening');
    try {
      const kinds = [directory, file, socket, '/dev/null', join(directory, 'none')].map((path) => shareFacts.kindOf(path));
      assert.deepEqual(kinds, ['directory', 'file', 'file', 'other', undefined]);
    } finally {
      server.close();
      rmSync(directory, { recursive: true });
    }
  });
});
