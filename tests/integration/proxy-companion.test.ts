/** kata-proxy ends together with the daemon that it watches. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { forbidIoUring } from '../../packages/common/src/confinement/forbid-io-uring.ts';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { PROXY } from '../support/process.ts';
import { until } from '../support/until.ts';
import { ProxyRig } from './proxy-rig.ts';

const PROGRAM = join(import.meta.dirname, '../../packages', PROXY);

describe('kata-proxy with virtiofsd', function () {
  this.timeout(30_000);
  let rig: ProxyRig;
  beforeEach(() => (rig = new ProxyRig()));
  afterEach(() => rig.stop());

  it('exits when the daemon exits, and logs the reason', async () => {
    void rig.listen('kata.sock', (connection) => void new YamuxSession('server', connection, { onStream: () => {} }));
    const daemon = spawn('sleep', ['1000'], { stdio: 'ignore' });
    const pidfd = linuxKernel.openPidfd(daemon.pid ?? -1);
    const sockets = ['-listen-socket', `unix://${rig.scratch.file('proxy.sock')}`, '-mux-socket', rig.scratch.file('kata.sock')];
    forbidIoUring(linuxKernel); // as the runtime does: the program would start once more, without the pidfd
    const proxy = spawn(PROGRAM, [...sockets, '-sandbox', 'sb'], {
      stdio: ['ignore', 'pipe', 'pipe', pidfd],
      env: { ...process.env, KATA_PROXY_ENDS_WITH: '3' },
    });
    closeSync(pidfd);
    assert.ok(proxy.stderr);
    const [exited, said] = [once(proxy, 'exit'), text(proxy.stderr)];
    try {
      await until('the proxy listens', () => existsSync(rig.scratch.file('proxy.sock')));
      assert.equal(proxy.exitCode, null);
    } finally {
      daemon.kill('SIGKILL');
    }
    assert.deepEqual(await exited, [1, null]);
    assert.match(await said, /level=error msg="virtiofsd has ended: the guest cannot access its files any more"/);
  });
});
