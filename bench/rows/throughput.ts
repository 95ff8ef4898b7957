/** Bytes per second through docker's stdio, a volume, and the bridge. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { until } from '../../tests/support/until.ts';
import type { Probe, Side } from '../sampling/probe.ts';
import type { Rig } from '../sampling/rig.ts';
import type { SideName } from '../sampling/stage.ts';

const MB = 1e6;
/** Kata takes seconds for what runc does at once: too little for runc is noise, too much for kata takes minutes. */
const BLOCKS: Readonly<Record<SideName, number>> = { kata: 16, runc: 256 };
const BLOCK = 1 << 20;
const PORT = 5000;
const TIMEOUT = { timeout: 120_000, killSignal: 'SIGKILL', detached: true } as const;

function dockerExec(rig: Rig, args: readonly string[]): ChildProcess {
  return spawn('docker', ['exec', ...args], { env: rig.engine.environment, stdio: ['pipe', 'pipe', 'inherit'], ...TIMEOUT });
}

/** From the first byte to the last: how long the command takes to start is another row. */
async function stdoutSpeed(rig: Rig, side: SideName): Promise<number> {
  const bytes = BLOCKS[side] * BLOCK;
  const child = dockerExec(rig, [await rig.box(side), 'dd', 'if=/dev/zero', 'bs=1M', `count=${BLOCKS[side]}`, 'status=none']);
  let [received, first, last] = [0, 0, 0];
  child.stdout?.on('data', (chunk: Buffer) => {
    if (received === 0) first = performance.now();
    received += chunk.length;
    last = performance.now();
  });
  await once(child, 'close');
  if (received < bytes) throw new Error(`only ${received} of ${bytes} bytes came out`);
  return bytes / MB / ((last - first) / 1000);
}

/** From the moment the reader says that it is there to when it has everything. */
async function stdinSpeed(rig: Rig, side: SideName): Promise<number> {
  const bytes = BLOCKS[side] * BLOCK;
  const script = `echo; dd of=/dev/null bs=64k iflag=fullblock count=${bytes / 65536} status=none; echo`;
  const child = dockerExec(rig, ['-i', await rig.box(side), 'sh', '-c', script]);
  const failed = once(child, 'exit').then(() => Promise.reject(new Error('the reader ended early')));
  failed.catch(() => {});
  const said = (): Promise<unknown> => Promise.race([child.stdout ? once(child.stdout, 'data') : failed, failed]);
  await said();
  const start = performance.now();
  child.stdin?.write(Buffer.alloc(bytes));
  await said();
  const seconds = (performance.now() - start) / 1000;
  child.stdin?.end();
  await failed.catch(() => {});
  return bytes / MB / seconds;
}

/** `script` moves `bytes`, by the clock of the container's `time`: busybox' dd tells no speed. */
async function speedOf(rig: Rig, side: SideName, script: string, bytes: number): Promise<number> {
  const { code, stdout, stderr } = await rig.engine.docker(['exec', await rig.box(side), 'time', 'sh', '-c', script]);
  const real = /^real\t(\d+)m ([\d.]+)s$/m.exec(stderr);
  if (code !== 0 || !real) throw new Error(`${script}: ${stdout}${stderr}`);
  return bytes / MB / (60 * Number(real[1]) + Number(real[2]));
}

async function volumeSpeeds(rig: Rig, side: SideName): Promise<number[]> {
  const count = 4 * BLOCKS[side];
  const write = await speedOf(rig, side, `dd if=/dev/zero of=/data/file-${side} bs=1M count=${count} conv=fsync`, count * BLOCK);
  const read = await speedOf(rig, side, `dd if=/data/file-${side} of=/dev/null bs=1M`, count * BLOCK);
  return [write, read];
}

/** nc on the host's side of the bridge, until its connection ends. */
async function withListener<T>(rig: Rig, script: string, act: (address: string) => Promise<T>): Promise<T> {
  const args = [`--net=/proc/${rig.engine.pid}/ns/net`, 'sh', '-c', script];
  const listener = spawn('nsenter', args, { stdio: 'ignore', ...TIMEOUT });
  const ended = once(listener, 'exit');
  try {
    const port = `:${PORT.toString(16).toUpperCase().padStart(4, '0')} `;
    const listens = (table: string): boolean => readFileSync(`/proc/${rig.engine.pid}/net/${table}`, 'latin1').split('\n').some((line) => line.includes(port) && / 0A /.test(line)); // prettier-ignore
    await until('nc listens', () => listens('tcp') || listens('tcp6'));
    return await act('172.17.0.1');
  } finally {
    if (listener.exitCode === null && listener.pid !== undefined) process.kill(-listener.pid, 'SIGKILL'); // the group is its own
    await ended;
  }
}

/** With -e the connection is dd's own: as a filter nc stops sending as soon as the other side's input has ended. */
async function networkSpeeds(rig: Rig, side: SideName): Promise<number[]> {
  const count = 16 * BLOCKS[side] * 2;
  const [send, take] = [`dd if=/dev/zero bs=64k count=${count}`, 'dd of=/dev/null bs=64k'];
  const speed = (here: string, there: string): Promise<number> =>
    withListener(rig, `busybox nc -l -p ${PORT} -e ${there}`, (address) =>
      speedOf(rig, side, `nc ${address} ${PORT} -e ${here}`, count * 65536),
    );
  return [await speed(send, take), await speed(take, send)];
}

const bothSides = (measure: (rig: Rig, side: SideName) => Promise<readonly number[]>): Record<SideName, Side> => ({
  kata: { sample: (rig) => measure(rig, 'kata') },
  runc: { sample: (rig) => measure(rig, 'runc') },
});

export const throughputProbes: readonly Probe[] = [
  {
    rows: [{ name: 'stdout', what: 'stdout of docker exec', unit: 'MB/s', budget: { of: 'kata', is: 'at least', limit: 8 } }],
    sides: bothSides(async (rig, side) => [await stdoutSpeed(rig, side)]),
    maxRuns: 3,
  },
  {
    rows: [{ name: 'stdin', what: 'stdin of docker exec -i', unit: 'MB/s', budget: { of: 'kata', is: 'at least', limit: 4 } }],
    sides: bothSides(async (rig, side) => [await stdinSpeed(rig, side)]),
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
