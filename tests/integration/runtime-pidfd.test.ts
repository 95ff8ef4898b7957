/** runc's --pidfd-socket: the caller gets a pidfd of the process's shim. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { socketDescriptor } from '../../packages/common/src/kernel/socket-descriptor.ts';
import { RuntimeRig } from './runtime-rig.ts';

describe('kata-runtime --pidfd-socket', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let server: Server;
  beforeEach(async () => {
    rig = new RuntimeRig();
    rig.prepare();
    server = createServer({ pauseOnConnect: true }).listen(rig.scratch.file('pidfd.sock'));
    await once(server, 'listening');
  });
  afterEach(async () => {
    server.close();
    await rig.close();
  });

  /** Pid of the process whose pidfd arrives while kata-runtime runs with `args`. */
  async function pidSent(...args: string[]): Promise<string> {
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const { code, stderr } = await rig.kata(...args);
    assert.deepEqual([code, stderr], [0, '']);
    const [socket] = await connected;
    const fd = linuxKernel.receiveDescriptor(socketDescriptor(socket));
    socket.destroy();
    assert.ok(fd !== undefined, 'an fd arrived');
    try {
      return /^Pid:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 'no pidfd';
    } finally {
      closeSync(fd);
    }
  }
  const common = (): string[] => ['--pid-file', rig.scratch.file('pid'), '--pidfd-socket', rig.scratch.file('pidfd.sock')];
  const written = (): string => readFileSync(rig.scratch.file('pid'), 'latin1');

  it('create and exec send a pidfd of the shim whose pid they write', async () => {
    assert.equal(await pidSent('create', '--bundle', rig.scratch.file('bundle'), ...common(), rig.id), written());
    await rig.kata('start', rig.id);
    const first = written();
    assert.equal(await pidSent('exec', '--detach', ...common(), rig.id, 'true'), written());
    assert.notEqual(written(), first);
  });

  it('run sends a pidfd', async () => {
    assert.equal(await pidSent('run', '--detach', '--bundle', rig.scratch.file('bundle'), ...common(), rig.id), written());
  });

  it('without a listener create fails and leaves nothing behind', async () => {
    const { code, stderr } = await rig.kata('create', '--bundle', rig.scratch.file('bundle'), '--pidfd-socket', '/nowhere/socket', rig.id);
    assert.equal(code, 1);
    assert.match(stderr, /connect to \/nowhere\/socket/);
  });
});
