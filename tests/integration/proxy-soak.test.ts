/** Many short connections leave nothing behind in kata-proxy. KATA_SOAK_STREAMS=50000 for the long form, which prints its measurements. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { openFiles } from '../support/proc-files.ts';
import type { Component } from '../support/process.ts';
import { until } from '../support/until.ts';
import { ProxyRig } from './proxy-rig.ts';

const STREAMS = Number(process.env['KATA_SOAK_STREAMS'] ?? 2000);
/** Streams before the first measurement: code is compiled, and buffers and pools have their final size. */
const WARM_UP = 2000;
const AT_A_TIME = 8;
/** Resident memory varies by 13 MiB between collections, however many streams there were. */
const SLACK_MIB = 16;

describe(`kata-proxy, ${STREAMS} streams`, function () {
  this.timeout((WARM_UP + STREAMS) * 20);
  const rig = new ProxyRig();
  let proxy: Component;
  before(async () => {
    const session = (connection: ConstructorParameters<typeof YamuxSession>[1]): void =>
      void new YamuxSession('server', connection, { onStream: (stream) => void pipeline(stream, stream).catch(() => {}) });
    const guest = rig.listen('kata.sock', session);
    proxy = await rig.start();
    await guest;
  });
  after(() => rig.stop());

  const data = randomBytes(3000);
  async function many(count: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left-- > 0) {
        const socket = await rig.connect();
        socket.end(data);
        assert.deepEqual(await buffer(socket), data);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }
  const descriptors = (): number => openFiles(proxy.child.pid ?? 0).length;

  it('leave no fd, and memory does not grow', async () => {
    const idle = descriptors();
    await many(WARM_UP);
    const before = proxy.residentMiB();
    const start = performance.now();
    await many(STREAMS);
    const after = proxy.residentMiB();
    if (process.env['KATA_SOAK_STREAMS'] !== undefined)
      console.log({ before, after, millisecondsEach: (performance.now() - start) / STREAMS });
    await until('the connections are closed', () => descriptors() === idle);
    assert.ok(after <= before + SLACK_MIB, `${before} MiB, then ${after} MiB`);
  });
});
