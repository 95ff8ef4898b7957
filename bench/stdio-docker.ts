/** Speed of stdio through docker, shim, proxy, the serial port and the agent: `node bench/stdio-docker.ts [MIB]`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Engine, run } from '../tests/e2e/engine.ts';
import { kataRuntime } from '../tests/e2e/staged.ts';
import { median } from './measure.ts';

const size = Number(process.argv[2] ?? 32);
const KEYS = 20;

async function seconds(engine: Engine, script: string): Promise<number> {
  const start = performance.now();
  const { code, stderr } = await run('sh', ['-c', script], {}, engine.environment);
  if (code !== 0) throw new Error(`${script}: ${stderr}`);
  return (performance.now() - start) / 1000;
}

/** Milliseconds from a key to its echo, one key after the other. */
async function echoes(engine: Engine): Promise<number[]> {
  const script = spawn('script', ['-qfc', 'docker exec -it box cat', '/dev/null'], { env: engine.environment, stdio: 'pipe' });
  const times: number[] = [];
  script.stdin.write('\n');
  await once(script.stdout, 'data');
  for (let key = 0; key < KEYS; key++) {
    await new Promise((resolve) => setTimeout(resolve, 150)); // as people type: one key at a time
    const start = performance.now();
    script.stdin.write('x');
    await once(script.stdout, 'data');
    times.push(performance.now() - start);
  }
  script.stdin.end('\u0004\u0004');
  await once(script, 'close');
  return times;
}

const engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
try {
  const started = await engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000']);
  if (started.code !== 0) throw new Error(started.stderr);
  const idle = median([await seconds(engine, 'docker exec box true'), await seconds(engine, 'docker exec box true')]);
  console.log(`docker exec true: ${idle.toFixed(2)} s`);
  const out = await seconds(engine, `docker exec box dd if=/dev/zero bs=1M count=${size} | cat >/dev/null`);
  console.log(`stdout: ${(size / (out - idle)).toFixed(1)} MiB/s`);
  const into = await seconds(engine, `head -c ${size}M /dev/zero | docker exec -i box dd of=/dev/null bs=1M`);
  console.log(`stdin: ${(size / (into - idle)).toFixed(1)} MiB/s`);
  const keys = await echoes(engine);
  console.log(`key to echo: median ${median(keys).toFixed(0)} ms, longest ${Math.max(...keys).toFixed(0)} ms`);
} finally {
  await engine.stop();
}
