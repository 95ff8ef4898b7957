/**
 * Stdio of containers: all bytes in both directions, end of file, and the end of processes. KATA_SOAK is the number of runs of `echo x |
 * docker exec -i`, KATA_LARGE_MIB the size of the largest transfer.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { until } from '../support/until.ts';
import { leftovers } from '../support/leftovers.ts';
import { processWith } from '../support/proc-files.ts';
import { kataRuntime } from '../support/staged.ts';

const MIB = 1 << 20;
const soak = Number(process.env['KATA_SOAK'] ?? 15);
const sizes = [1, 10, Number(process.env['KATA_LARGE_MIB'] ?? 100)];
/** Time from the last byte to docker's exit: in an emulated guest a process ends slowly. */
const MAX_TAIL_MS = 3000;
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

interface Transfer {
  readonly code: number;
  readonly output: Buffer;
  /** Milliseconds from the last byte to the end. */
  readonly tailMs: number;
}

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`stdio with ${runtime}`, function () {
    this.timeout(230_000);
    let engine: Engine;
    let data = '';
    before(async () => {
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      data = join(engine.directory, 'volume');
      mkdirSync(data);
      for (const size of sizes) writeFileSync(join(data, `${size}`), randomBytes(size * MIB));
      const { code, stderr } = await engine.docker(['run', '-d', '--name', 'box', '-v', `${data}:/data`, 'busybox', 'sleep', '10000']);
      assert.equal(code, 0, stderr);
    });
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), []);
    });

    async function transfer(args: readonly string[], input: Buffer): Promise<Transfer> {
      const docker = spawn('docker', args, { env: engine.environment, stdio: ['pipe', 'pipe', 'inherit'] });
      const output: Buffer[] = [];
      let last = performance.now();
      docker.stdout.on('data', (chunk: Buffer) => {
        output.push(chunk);
        last = performance.now();
      });
      docker.stdin.on('error', () => {});
      docker.stdin.end(input);
      const [code] = (await once(docker, 'close')) as [number];
      return { code, output: Buffer.concat(output), tailMs: performance.now() - last };
    }
    const ways: [name: string, args: string[]][] = [
      ['docker exec -i', ['exec', '-i', 'box']],
      ['docker run -i', ['run', '-i', '--rm', '-v', 'DATA:/data', 'busybox']],
    ];
    for (const size of sizes) {
      for (const [name, args] of ways) {
        const docker = (command: string): string[] => [...args.map((word) => word.replace('DATA', data)), 'sh', '-c', command];
        it(`${name}: ${size} MiB of output, and the end after the last byte`, async () => {
          const { code, output, tailMs } = await transfer(docker(`cat /data/${size}`), Buffer.alloc(0));
          assert.deepEqual([code, sha256(output)], [0, sha256(readFileSync(join(data, `${size}`)))]);
          if (name.includes('exec')) assert.ok(tailMs < MAX_TAIL_MS, `${tailMs.toFixed(0)} ms`);
        });
        it(`${name}: ${size} MiB of input, and end of file`, async () => {
          const input = readFileSync(join(data, `${size}`));
          const { code } = await transfer(docker('cat > /data/in && exit 7'), input);
          assert.deepEqual([code, sha256(readFileSync(join(data, 'in')))], [7, sha256(input)]);
        });
      }
    }

    it(`echo x | docker exec -i, ${soak} times`, async () => {
      for (let turn = 0; turn < soak; turn++) {
        const { stdout, code } = await engine.docker(['exec', '-i', 'box', 'cat'], { input: `x${turn}`, timeoutMs: 20_000 });
        assert.deepEqual([code, stdout], [0, `x${turn}`], `turn ${turn}`);
      }
    });

    it('ten concurrent execs keep their bytes apart', async () => {
      const inputs = Array.from({ length: 10 }, (_, index) => randomBytes(100_000 + index));
      const outputs = await Promise.all(inputs.map((input) => transfer(['exec', '-i', 'box', 'cat'], input)));
      assert.deepEqual(
        outputs.map(({ code, output }) => [code, sha256(output)]),
        inputs.map((input) => [0, sha256(input)]),
      );
    });
  });
}

describe('killed processes', function () {
  this.timeout(120_000);
  let engine: Engine;
  before(async () => {
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
  });
  after(async () => {
    await engine.stop();
    assert.deepEqual(leftovers(), []);
  });

  const victims: [name: string, pid: (id: string) => number | Promise<number>, code: RegExp][] = [
    ['QEMU', (id) => processWith(new RegExp(`qemu-(?:lite-)?system.*sandbox-${id}`)), /^255$/],
    ['kata-proxy', (id) => processWith(new RegExp(`kata-proxy .*${id}`)), /^255$/],
    ['kata-shim', async (id) => Number((await engine.docker(['inspect', '-f', '{{.State.Pid}}', id])).stdout), /^137$/],
  ];
  for (const [name, victim, code] of victims) {
    it(`kill -9 of ${name}: docker notices within two seconds, rm -f cleans up, nothing is left behind`, async () => {
      const { stdout, stderr } = await engine.docker(['run', '-d', 'busybox', 'sleep', '1000']);
      const id = stdout.trim();
      assert.match(id, /^[0-9a-f]{64}$/, stderr);
      assert.equal((await engine.docker(['exec', id, 'true'])).code, 0); // docker has started the container completely: it ignores the end of a container that it is starting
      const ended = engine.docker(['wait', id]);
      process.kill(await victim(id), 'SIGKILL');
      const start = performance.now();
      const { stdout: status } = await ended;
      const seconds = (performance.now() - start) / 1000;
      assert.match(status.trim(), code);
      assert.ok(seconds < 2, `${seconds.toFixed(1)} s`);
      assert.equal((await engine.docker(['rm', '-f', id])).code, 0);
      await until('everything has ended', () => leftovers().length === 0, 10_000).catch(() => assert.deepEqual(leftovers(), []));
    });
  }
});
