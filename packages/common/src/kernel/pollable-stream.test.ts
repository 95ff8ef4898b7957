import assert from 'node:assert/strict';
import { closeSync, constants, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { linuxKernel } from './linux-kernel.ts';
import { openPollableStream } from './pollable-stream.ts';
import type { PollableStream } from './pollable-options.ts';

/** Flags of an fd's description, proc(5). */
const flagsOf = (fd: number): number => parseInt(/^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '', 8);

describe('openPollableStream', () => {
  const closing: (() => void)[] = [];
  afterEach(() => closing.splice(0).forEach((close) => close()));
  const track = (stream: PollableStream): PollableStream => {
    closing.push(() => stream.destroy());
    return stream;
  };
  const openPipe = (): [number, number] => linuxKernel.pipe(0);

  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  const pairs: [name: string, open: () => [number, number]][] = [
    ['a pipe', openPipe],
    ['a socket', () => linuxKernel.socketPair()],
    [
      'a terminal',
      () => {
        const { master, slavePath } = linuxKernel.openPty();
        const slave = openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY);
        linuxKernel.makeRaw(slave);
        return [slave, master];
      },
    ],
  ];
  for (const [name, open] of pairs) {
    it(`reads ${name} into one buffer, as bytes arrive, and ends once`, async () => {
      const [reading, writing] = open();
      const seen: string[] = [];
      const readBuffer = Buffer.alloc(8);
      let ends = 0;
      const stream = track(openPollableStream(reading, { direction: 'read', readBuffer, onRead: (piece) => seen.push(String(piece)) > 0 }));
      for (const event of ['end', 'error']) stream.on(event, () => ends++);
      stream.resume();
      for (const text of ['a', 'bcd', '12345678abcdefgh']) {
        writeSync(writing, text);
        const before = seen.join('').length;
        await until(() => seen.join('').length === before + text.length);
      }
      assert.equal(seen.join(''), 'abcd12345678abcdefgh');
      assert.ok(seen.every((piece) => piece.length <= readBuffer.length));
      closeSync(writing);
      await until(() => ends > 0);
      assert.equal(ends, 1);
    });

    it(`pauses ${name} when onRead returns false`, async () => {
      const [reading, writing] = open();
      closing.push(() => closeSync(writing));
      const seen: string[] = [];
      const onRead = (piece: Buffer): boolean => (seen.push(String(piece)), false);
      const stream = track(openPollableStream(reading, { direction: 'read', readBuffer: Buffer.alloc(2), onRead }));
      stream.resume();
      writeSync(writing, 'abcdef');
      await until(() => seen.length > 0);
      await new Promise(setImmediate);
      assert.deepEqual(seen, ['ab']);
      stream.resume();
      await until(() => seen.length > 1);
      assert.deepEqual(seen, ['ab', 'cd']);
    });
  }

  it('resume after the end does not take the bytes of a stream that has got the same fd', async () => {
    const open = (onRead: (piece: Buffer) => boolean): { stream: PollableStream; fd: number; writing: number } => {
      const [fd, writing] = linuxKernel.socketPair();
      return { stream: track(openPollableStream(fd, { direction: 'read', readBuffer: Buffer.alloc(8), onRead })), fd, writing };
    };
    const ended = open(() => true);
    ended.stream.resume();
    closeSync(ended.writing);
    await once(ended.stream, 'close');
    const seen: string[] = [];
    const next = open((piece) => seen.push(String(piece)) > 0);
    closing.push(() => closeSync(next.writing));
    assert.equal(next.fd, ended.fd);
    next.stream.resume();
    await new Promise(setImmediate);
    ended.stream.resume();
    writeSync(next.writing, 'abc');
    await until(() => seen.length > 0);
    assert.deepEqual(seen, ['abc']);
  });

  it('writes all bytes of a piece that is larger than the pipe, at the pace of the reader', async () => {
    const [reading, writing] = openPipe();
    closing.push(() => closeSync(reading));
    const stream = track(openPollableStream(writing, { direction: 'write' }));
    const data = Buffer.alloc(1 << 20, 'abcdefghijklm');
    let isWritten = false;
    stream.write(data, () => (isWritten = true));
    const got: Buffer[] = [];
    for (let length = 0; length < data.length;) {
      const piece = Buffer.alloc(50_000);
      const count = readSync(reading, piece);
      got.push(piece.subarray(0, count));
      length += count;
      assert.ok(!isWritten || length + (1 << 16) >= data.length);
      await new Promise(setImmediate);
    }
    await until(() => isWritten);
    assert.ok(Buffer.concat(got).equals(data));
  });

  it('fails to write to a pipe whose reader has closed it', async () => {
    const [reading, writing] = openPipe();
    const stream = track(openPollableStream(writing, { direction: 'write' }));
    closeSync(reading);
    stream.write('x');
    const [error] = (await once(stream, 'error')) as [Error];
    assert.match(error.message, /EPIPE/);
  });

  it('closes the fd when it is destroyed: the reader sees the end', async () => {
    const [reading, writing] = openPipe();
    closing.push(() => closeSync(reading));
    const stream = openPollableStream(writing, { direction: 'write' });
    await new Promise<unknown>((resolve) => stream.write('x', resolve));
    stream.destroy();
    await once(stream, 'close');
    const piece = Buffer.alloc(8);
    assert.deepEqual([readSync(reading, piece), readSync(reading, piece)], [1, 0]);
  });

  it('sends and receives over one socket', async () => {
    const [one, other] = linuxKernel.socketPair();
    const streams = [one, other].map((fd) => track(openPollableStream(fd)));
    streams[0]?.write('ping');
    const [data] = (await once(streams[1] ?? process, 'data')) as [Buffer];
    streams[1]?.write(`${String(data)} pong`);
    const [answer] = (await once(streams[0] ?? process, 'data')) as [Buffer];
    assert.equal(String(answer), 'ping pong');
  });

  it('ends one direction of a socket, and receives from the other', async () => {
    const [one, other] = linuxKernel.socketPair().map((fd) => track(openPollableStream(fd))) as [PollableStream, PollableStream];
    one.end('request');
    const got: string[] = [];
    other.on('data', (piece) => got.push(String(piece)));
    await once(other, 'end');
    other.end('answer');
    one.on('data', (piece) => got.push(String(piece)));
    await once(one, 'end');
    assert.deepEqual(got, ['request', 'answer']);
  });

  it('writes the pieces of a corked stream in order, small and large ones', async () => {
    const [reading, writing] = openPipe();
    const stream = track(openPollableStream(writing, { direction: 'write' }));
    const input = track(openPollableStream(reading, { direction: 'read' }));
    const pieces = [[1, 2, 3], [70_000, 1, 300_000], [5]].map((lengths) => lengths.map((length) => Buffer.alloc(length, `${length}`)));
    for (const group of pieces) {
      stream.cork();
      for (const piece of group) stream.write(piece);
      stream.uncork();
    }
    stream.end();
    const got: Buffer[] = [];
    for await (const piece of input) got.push(piece as Buffer);
    assert.ok(Buffer.concat(got).equals(Buffer.concat(pieces.flat())));
  });

  it('reads a stream that pauses after its peer has closed the other end, without being called until it resumes', async () => {
    const [reading, writing] = openPipe();
    let calls = 0;
    const onRead = (): boolean => ++calls > 1;
    const stream = track(openPollableStream(reading, { direction: 'read', readBuffer: Buffer.alloc(1), onRead }));
    stream.resume();
    writeSync(writing, 'ab');
    closeSync(writing);
    await until(() => calls > 0);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(calls, 1);
    stream.resume();
    await once(stream, 'end');
    assert.equal(calls, 2);
  });

  it('does not change the shared flags of a pipe and a terminal, on Bun', function () {
    if (process.versions['bun'] === undefined) return this.skip();
    for (const [name, open] of pairs) {
      const [reading, writing] = open();
      closing.push(() => closeSync(writing));
      const copy = linuxKernel.duplicate(reading);
      closing.push(() => closeSync(copy));
      track(openPollableStream(reading, { direction: 'read' })).resume();
      assert.equal(flagsOf(copy) & constants.O_NONBLOCK, 0, name);
    }
  });

  it('refuses a regular file', () => {
    const file = openSync('/proc/self/exe', 'r');
    closing.push(() => closeSync(file));
    assert.throws(() => openPollableStream(file), /cannot be polled/);
  });
});
