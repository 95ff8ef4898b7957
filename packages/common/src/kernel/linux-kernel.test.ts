import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as nextTurn } from 'node:timers/promises';
import { KernelError } from '../errors/kata-error.ts';
import { isBun } from '../process/engine.ts';
import { CLONE_NEWNET, MS_BIND } from './constants.ts';
import { linuxKernel as kernel } from './linux-kernel.ts';
import { openPollableStream } from './pollable-stream.ts';
import { socketDescriptor } from './socket-descriptor.ts';

describe('LinuxKernel', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kernel-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  it('throws errors with the system call, the object and the errno', () => {
    assert.throws(
      () => kernel.mount('/nowhere', join(directory, 'missing'), 'none', MS_BIND),
      (error) => error instanceof KernelError && error.code === 'ENOENT' && error.syscall === 'mount' && error.message.includes('missing'),
    );
  });

  it('holds exclusive locks until the fd is closed', () => {
    const [first, second] = [openSync(directory, 'r'), openSync(directory, 'r')];
    assert.equal(kernel.tryLock(first, 'exclusive'), true);
    assert.equal(kernel.tryLock(second, 'shared'), false);
    closeSync(first);
    assert.equal(kernel.tryLock(second, 'shared'), true);
    closeSync(second);
  });

  it('makes pipes of the requested size', () => {
    const [readEnd, writeEnd] = kernel.pipe(0);
    assert.equal(kernel.setPipeSize(writeEnd, 1 << 20), 1 << 20);
    closeSync(readEnd);
    closeSync(writeEnd);
  });

  it('sets the size and raw mode of a pty and restores its settings', () => {
    const { master, slavePath } = kernel.openPty();
    const slave = openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY);
    kernel.setWindowSize(master, { rows: 40, columns: 132 });
    assert.deepEqual(kernel.windowSize(slave), { rows: 40, columns: 132 });
    const saved = kernel.makeRaw(slave);
    const raw = kernel.makeRaw(slave);
    assert.notDeepEqual(raw, saved);
    kernel.restoreTerminal(slave, saved);
    assert.deepEqual(kernel.makeRaw(slave), saved);
    closeSync(slave);
    closeSync(master);
  });

  it('sends and receives an fd', async () => {
    const path = join(directory, 'socket');
    const file = join(directory, 'file');
    const server = createServer({ pauseOnConnect: true }).listen(path);
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const sent = openSync(file, 'w+');
    kernel.sendDescriptor(path, sent, '/dev/pts/7');
    const [socket] = await connected;
    const received = kernel.receiveDescriptor(socketDescriptor(socket));
    assert.ok(received !== undefined);
    assert.equal(fstatSync(received).ino, fstatSync(sent).ino);
    writeSync(received, 'same file');
    assert.equal(readFileSync(file, 'utf8'), 'same file');
    for (const fd of [sent, received]) closeSync(fd);
    socket.destroy();
    server.close();
  });

  it('passes a listening socket to a program and sends an fd over a connection', async () => {
    const path = join(directory, 'socket');
    const listening = kernel.listenUnix(path);
    const client = createConnection(path);
    await once(client, 'connect');
    closeSync(listening);
    assert.throws(
      () => kernel.listenUnix(path),
      (error) => error instanceof KernelError && error.code === 'EADDRINUSE',
    );
    client.destroy();
    const server = createServer({ pauseOnConnect: true }).listen(join(directory, 'second'));
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const sender = createConnection(join(directory, 'second'));
    const [receiver] = await connected;
    const file = openSync(join(directory, 'file'), 'w+');
    kernel.sendDescriptorOver(socketDescriptor(sender), file, '{"execute":"getfd"}');
    const received = kernel.receiveDescriptor(socketDescriptor(receiver));
    assert.ok(received !== undefined);
    assert.equal(fstatSync(received).ino, fstatSync(file).ino);
    for (const fd of [file, received]) closeSync(fd);
    for (const socket of [sender, receiver]) socket.destroy();
    server.close();
  });

  it('names the path in the error of a file that is not a namespace', () => {
    const file = openSync('/dev/null', 'r');
    try {
      assert.throws(() => kernel.setns(file, CLONE_NEWNET), /^KernelError: setns to namespace 0x40000000 at \/dev\/null failed \(E\w+\)$/);
    } finally {
      closeSync(file);
    }
  });

  it('reports the end of a process by its pidfd', async function () {
    if (isBun) return this.skip(); // processEnd is tested instead
    const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'ignore'] });
    const stream = openPollableStream(kernel.openPidfd(child.pid ?? -1), { direction: 'read' });
    // A pidfd cannot be read: once it is ready, reading is an error.
    const closed = new Promise((resolve) =>
      stream
        .on('error', () => {})
        .on('close', resolve)
        .resume(),
    );
    const exited = once(child, 'exit');
    child.stdin.end();
    await closed;
    assert.deepEqual(await exited, [0, null]);
    assert.throws(
      () => kernel.openPidfd(2 ** 22 + 1),
      (error) => error instanceof KernelError && error.syscall === 'pidfd_open',
    );
  });

  it('creates a device node that can be opened (root)', function () {
    if (process.getuid?.() !== 0) return this.skip();
    const path = `/dev/kernel-test-${process.pid}`;
    kernel.makeCharacterDevice(path, 1, 5); // zero
    try {
      assert.deepEqual([statSync(path).rdev, statSync(path).mode & 0o777], [statSync('/dev/zero').rdev, 0o600]);
    } finally {
      rmSync(path);
    }
  });

  it('starts programs at fixed addresses, then again at random addresses', () => {
    const personality = (): string => execFileSync('cat', ['/proc/self/personality'], { encoding: 'utf8' });
    const before = personality();
    assert.equal(kernel.randomiseAddresses(false), true);
    assert.equal(personality(), '00040000\n');
    assert.equal(kernel.randomiseAddresses(true), true);
    assert.equal(personality(), before);
  });

  it('starts a program with its arguments, environment, fds and default signals', async () => {
    const [readEnd, writeEnd] = kernel.pipe(0);
    const nothing = openSync('/dev/null', 'r+');
    const script = 'echo "$0 $1 $SPAWN_TEST"; readlink /proc/self/fd/0; grep -E "^Sig(Blk|Ign)" /proc/self/status; exit 7';
    const pid = kernel.spawnProgram('sh', {
      args: ['-c', script, 'zero', 'one two'],
      environment: { SPAWN_TEST: 'set', PATH: '/bin:/usr/bin' },
      stdio: [nothing, writeEnd, nothing],
    });
    for (const fd of [nothing, writeEnd]) closeSync(fd);
    const text = readFileSync(readEnd, 'utf8'); // until the program has closed its end
    closeSync(readEnd);
    assert.deepEqual(text.split(/\s*\n/), [
      ...['zero one two set', '/dev/null', 'SigBlk:\t0000000000000000', 'SigIgn:\t0000000000000000', ''],
    ]);
    while (kernel.peekExited() !== pid) await nextTurn(1);
    assert.equal(kernel.reap(pid), 7);
  });

  it('reports a program that does not exist', () =>
    assert.throws(() => kernel.spawnProgram('no-such-program', { args: [], environment: {}, stdio: [0, 1, 2] }), {
      syscall: 'posix_spawn',
      code: 'ENOENT',
    }));

  it('detects the end of a child without reaping it', async () => {
    const child = spawn('sh', ['-c', 'exit 7']);
    const [code] = (await once(child, 'exit')) as [number];
    assert.equal(code, 7);
    assert.equal(kernel.peekExited(), undefined);
    assert.equal(kernel.reap(child.pid ?? -1), undefined);
  });
});

describe('openPollableStream', () => {
  before(function () {
    if (isBun) this.skip(); // no program that uses it runs on Bun
  });

  it('transfers bytes in both directions over a pty master', async () => {
    const { master, slavePath } = kernel.openPty();
    const slave = openSync(slavePath, constants.O_RDWR | constants.O_NOCTTY);
    kernel.makeRaw(slave);
    const stream = openPollableStream(master);
    writeSync(slave, 'from the slave');
    const [piece] = (await once(stream, 'data')) as [Buffer];
    assert.equal(piece.toString(), 'from the slave');
    stream.destroy();
    await once(stream, 'close');
    closeSync(slave);
  });

  it('reads chunks into one buffer', async () => {
    const [readEnd, writeEnd] = kernel.pipe(0);
    const pieces: string[] = [];
    const stream = openPollableStream(readEnd, { readBuffer: Buffer.alloc(4), onRead: (piece) => pieces.push(piece.toString()) > 0 });
    stream.resume();
    writeSync(writeEnd, 'abcdef');
    closeSync(writeEnd);
    await once(stream, 'end');
    assert.deepEqual(pieces, ['abcd', 'ef']);
    stream.destroy();
  });

  it('only writes to the write end of a pipe', async () => {
    const [readEnd, writeEnd] = kernel.pipe(0);
    const [input, output] = [openPollableStream(readEnd, { direction: 'read' }), openPollableStream(writeEnd, { direction: 'write' })];
    output.end('through');
    assert.equal(await text(input), 'through');
  });

  it('refuses fds that epoll refuses', () => {
    const fd = openSync('/proc/self/exe', 'r');
    assert.throws(() => openPollableStream(fd), /cannot be polled/);
    closeSync(fd);
  });
});
