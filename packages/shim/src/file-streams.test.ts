import assert from 'node:assert/strict';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileReader, FileWriter } from './file-streams.ts';

describe('file streams', () => {
  let directory = '';
  let file = -1;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'file-'))));
  afterEach(() => {
    closeSync(file); // the streams have not closed the fd
    rmSync(directory, { recursive: true });
  });
  const open = (flags: string): number => (file = openSync(join(directory, 'file'), flags));

  it('reads a file to its end, one piece for each request', async () => {
    writeFileSync(join(directory, 'file'), 'abcdef');
    const pieces: string[] = [];
    const reader = new FileReader(open('r'), Buffer.alloc(4), (bytes) => (pieces.push(String(bytes)), false));
    const ended = once(reader, 'end');
    assert.deepEqual(pieces, []);
    for (const count of [1, 2]) {
      reader.resume();
      while (pieces.length < count) await new Promise(setImmediate);
    }
    assert.deepEqual(pieces, ['abcd', 'ef']);
    reader.resume();
    await ended;
    reader.destroy();
    assert.ok(fstatSync(file).isFile());
  });

  it('writes all pieces in order, and keeps the file open', async () => {
    const writer = new FileWriter(open('w'));
    for (const text of ['ab', 'cd']) await new Promise<unknown>((resolve) => writer.write(text, resolve));
    writer.destroy();
    await once(writer, 'close');
    assert.equal(readFileSync(join(directory, 'file'), 'utf8'), 'abcd');
    assert.ok(fstatSync(file).isFile());
  });
});
