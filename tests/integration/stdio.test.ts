/** agent, proxy and shim together, each as a process, without a VM: every byte of a container's process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HostChain } from '../support/host-chain.ts';

const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');
const data = randomBytes(20 << 20);

describe('stdio through agent, proxy and shim', function () {
  this.timeout(30_000);
  let chain: HostChain;
  const shims: ChildProcessWithoutNullStreams[] = [];
  before(async () => {
    chain = await HostChain.start();
    writeFileSync(chain.scratch.file('rootfs/tmp/data'), data);
  });
  afterEach(() => {
    for (const shim of shims.splice(0)) shim.kill('SIGKILL');
  });
  after(() => chain.stop());

  async function start(script: string): Promise<ChildProcessWithoutNullStreams> {
    const id = await chain.run(['sh', '-c', script]);
    const [program, args] = chain.shimCommand(id);
    const shim = spawn(program, args, { stdio: 'pipe' });
    shim.stdin.on('error', () => {});
    shims.push(shim);
    return shim;
  }
  async function finish(shim: ChildProcessWithoutNullStreams): Promise<{ code: number; output: Buffer }> {
    const output: Buffer[] = [];
    shim.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    const [code] = (await once(shim, 'close')) as [number];
    return { code, output: Buffer.concat(output) };
  }

  it('20 MiB of output arrive before the exit code', async () => {
    const { code, output } = await finish(await start('cat /tmp/data; exit 5'));
    assert.deepEqual([code, sha256(output)], [5, sha256(data)]);
  });

  it('20 MiB of input and end of file arrive', async () => {
    const shim = await start('sha256sum');
    shim.stdin.end(data);
    assert.equal(String((await finish(shim)).output).slice(0, 64), sha256(data));
  });

  it('20 MiB are transferred in both directions at once', async () => {
    const shim = await start('cat');
    shim.stdin.end(data);
    const { code, output } = await finish(shim);
    assert.deepEqual([code, sha256(output)], [0, sha256(data)]);
  });

  it('the output ends although a background child holds the pipe open, and a slow reader loses nothing', async () => {
    const shim = await start('sleep 100 & cat /tmp/data');
    const output: Buffer[] = [];
    const closed = once(shim, 'close');
    for await (const chunk of shim.stdout) {
      output.push(chunk as Buffer);
      if (output.length % 40 === 0) await sleep(40);
    }
    await closed;
    assert.equal(sha256(Buffer.concat(output)), sha256(data));
  });

  it('stderr stays apart', async () => {
    const shim = await start('echo out; echo err >&2');
    let complaint = '';
    shim.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    const { output } = await finish(shim);
    assert.deepEqual([String(output), complaint], ['out\n', 'err\n']);
  });
});
