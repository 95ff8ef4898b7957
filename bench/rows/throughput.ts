/** Throughput of docker's stdio, of a volume and of the bridge. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { until } from '../../tests/support/until.ts';
import type { Probe, Side } from '../sampling/probe.ts';
import type { Testbed } from '../sampling/testbed.ts';
import type { SideName } from '../sampling/conditions.ts';

const MB = 1e6;
/** Runc is much faster: few blocks give noise with runc, many blocks take minutes with kata. */
const BLOCKS: Readonly<Record<SideName, number>> = { kata: 16, runc: 256 };
const BLOCK = 1 << 20;
const PORT = 5000;
const TIMEOUT = { timeout: 120_000, killSignal: 'SIGKILL', detached: true } as const;

function dockerExec(testbed: Testbed, args: readonly string[]): ChildProcess {
  return spawn('docker', ['exec', ...args], { env: testbed.engine.environment, stdio: ['pipe', 'pipe', 'inherit'], ...TIMEOUT });
}

/** From the first byte to the last: another row measures the start of the command. */
async function stdoutSpeed(testbed: Testbed, side: SideName): Promise<number> {
  const bytes = BLOCKS[side] * BLOCK;
  const child = dockerExec(testbed, [
    await testbed.execTarget(side),
    'dd',
    'if=/dev/zero',
    'bs=1M',
    `count=${BLOCKS[side]}`,
    'status=none',
  ]);
  let [received, first, last] = [0, 0, 0];
  child.stdout?.on('data', (chunk: Buffer) => {
    if (received === 0) first = performance.now();
    received += chunk.length;
    last = performance.now();
  });
  await once(child, 'close');
  if (received < bytes) throw new Error(`received only ${received} of ${bytes} bytes`);
  return bytes / MB / ((last - first) / 1000);
}

/** From the reader's first line (ready) to its second (has read everything). */
async function stdinSpeed(testbed: Testbed, side: SideName): Promise<number> {
  const bytes = BLOCKS[side] * BLOCK;
  const script = `echo; dd of=/dev/null bs=64k iflag=fullblock count=${bytes / 65536} status=none; echo`;
  const child = dockerExec(testbed, ['-i', await testbed.execTarget(side), 'sh', '-c', script]);
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('the reader ended early')));
  failed.catch(() => {});
  const nextLine = (): Promise<unknown> => Promise.race([child.stdout ? once(child.stdout, 'data') : failed, failed]);
  await nextLine();
  const start = performance.now();
  child.stdin?.write(Buffer.alloc(bytes));
  await nextLine();
  const seconds = (performance.now() - start) / 1000;
  child.stdin?.end();
  await failed.catch(() => {});
  return bytes / MB / seconds;
}

/** `script` transfers `bytes`; the container's `time` measures it, because busybox's dd does not report a speed. */
async function speedOf(testbed: Testbed, side: SideName, script: string, bytes: number): Promise<number> {
  const { code, stdout, stderr } = await testbed.engine.docker(['exec', await testbed.execTarget(side), 'time', 'sh', '-c', script]);
  const real = /^real\t(\d+)m ([\d.]+)s$/m.exec(stderr);
  if (code !== 0 || !real) throw new Error(`${script}: ${stdout}${stderr}`);
  return bytes / MB / (60 * Number(real[1]) + Number(real[2]));
}

async function volumeSpeeds(testbed: Testbed, side: SideName): Promise<number[]> {
  const count = 4 * BLOCKS[side];
  const write = await speedOf(testbed, side, `dd if=/dev/zero of=/data/file-${side} bs=1M count=${count} conv=fsync`, count * BLOCK);
  const read = await speedOf(testbed, side, `dd if=/data/file-${side} of=/dev/null bs=1M`, count * BLOCK);
  return [write, read];
}

/** Calls `act` while `script` runs nc in the engine's network namespace; waits until nc ends. */
async function withListener<T>(testbed: Testbed, script: string, act: (address: string) => Promise<T>): Promise<T> {
  const args = [`--net=/proc/${testbed.engine.pid}/ns/net`, 'sh', '-c', script];
  const listener = spawn('nsenter', args, { stdio: 'ignore', ...TIMEOUT });
  const ended = once(listener, 'exit');
  try {
    const port = `:${PORT.toString(16).toUpperCase().padStart(4, '0')} `;
    const listens = (table: string): boolean => readFileSync(`/proc/${testbed.engine.pid}/net/${table}`, 'latin1').split('\n').some((line) => line.includes(port) && / 0A /.test(line)); // prettier-ignore
    await until('nc listens', () => listens('tcp') || listens('tcp6'));
    return await act('172.17.0.1');
  } finally {
    if (listener.exitCode === null && listener.pid !== undefined) process.kill(-listener.pid, 'SIGKILL'); // the process group: `detached` made one
    await ended;
  }
}

/** With -e dd owns the connection: as a filter, nc stops sending when the peer's input has ended. */
async function networkSpeeds(testbed: Testbed, side: SideName): Promise<number[]> {
  const count = 16 * BLOCKS[side] * 2;
  const [send, receive] = [`dd if=/dev/zero bs=64k count=${count}`, 'dd of=/dev/null bs=64k'];
  const speed = (inContainer: string, onHost: string): Promise<number> =>
    withListener(testbed, `busybox nc -l -p ${PORT} -e ${onHost}`, (address) =>
      speedOf(testbed, side, `nc ${address} ${PORT} -e ${inContainer}`, count * 65536),
    );
  return [await speed(send, receive), await speed(receive, send)];
}

const bothSides = (measure: (testbed: Testbed, side: SideName) => Promise<readonly number[]>): Record<SideName, Side> => ({
  kata: { sample: (testbed) => measure(testbed, 'kata') },
  runc: { sample: (testbed) => measure(testbed, 'runc') },
});

export const throughputProbes: readonly Probe[] = [
  {
    rows: [{ name: 'stdout', what: 'stdout of docker exec', unit: 'MB/s', budget: { of: 'kata', is: 'at least', limit: 8 } }],
    sides: bothSides(async (testbed, side) => [await stdoutSpeed(testbed, side)]),
    maxRuns: 3,
  },
  {
    rows: [{ name: 'stdin', what: 'stdin of docker exec -i', unit: 'MB/s', budget: { of: 'kata', is: 'at least', limit: 4 } }],
    sides: bothSides(async (testbed, side) => [await stdinSpeed(testbed, side)]),
    maxRuns: 3,
  },
  {
    rows: [
      { name: '9p-write', what: 'dd to a volume (9p), with fsync', unit: 'MB/s' },
      { name: '9p-read', what: 'dd from a volume (9p)', unit: 'MB/s' },
    ],
    sides: bothSides(volumeSpeeds),
    maxRuns: 3,
  },
  {
    rows: [
      { name: 'net-out', what: 'TCP from the container to the host', unit: 'MB/s' },
      { name: 'net-in', what: 'TCP from the host to the container', unit: 'MB/s' },
    ],
    sides: bothSides(networkSpeeds),
    maxRuns: 3,
  },
];
