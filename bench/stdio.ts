/**
 * Measures the throughput of a process's stdio through agent, proxy and shim on the host, without a VM, and the memory of agent,
 * proxy and shim: `tools/node.sh bench/stdio.ts [MIB]`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { HostChain } from '../tests/support/host-chain.ts';

const MIB = 1 << 20;
const size = Number(process.argv[2] ?? 100);

interface Memory {
  readonly resident: number;
  readonly own: number;
}

/** Resident and private MiB of a process (smaps_rollup, proc(5)). */
function memory(pid: number): Memory {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
  const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024;
  return { resident: field('Rss'), own: field('Private_Clean') + field('Private_Dirty') };
}

const show = ({ resident, own }: Memory): string => `${resident.toFixed(1)} MiB resident, ${own.toFixed(1)} private`;

/** CPU seconds that the process has used. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function startShim(chain: HostChain, id: string): ChildProcess {
  const [program, args] = chain.shimCommand(id);
  return spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
}

/** Resolves when `bytes` have arrived. */
function received(shim: ChildProcess, bytes: number): Promise<void> {
  return new Promise((resolve) => {
    let left = bytes;
    shim.stdout?.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left <= 0) resolve();
    });
  });
}

async function measure(chain: HostChain, what: string, script: string, act: (shim: ChildProcess) => Promise<void>): Promise<void> {
  const id = await chain.run(['sh', '-c', script]);
  const shim = startShim(chain, id);
  const pid = shim.pid ?? 0;
  const proxy = chain.proxy.child.pid ?? 0;
  await received(shim, 1); // the process is ready
  const before = memory(pid);
  const start = performance.now();
  const pids = { shim: pid, proxy, agent: chain.agentPid };
  const used = Object.values(pids).map(cpuSeconds);
  await act(shim);
  const seconds = (performance.now() - start) / 1000;
  const spent = Object.entries(pids).map(([name, of], index) => `${name} ${(cpuSeconds(of) - (used[index] ?? 0)).toFixed(2)}`);
  console.log(`${what}: ${(size / seconds).toFixed(0)} MiB/s (CPU seconds: ${spent.join(', ')})`);
  console.log(`  shim before ${show(before)}; after ${show(memory(pid))}`);
  console.log(`  proxy ${show(memory(proxy))}; agent ${show(memory(pids.agent))}`);
  const ended = once(shim, 'exit');
  shim.kill('SIGKILL');
  await ended;
  await chain.remove(id);
}

const chain = await HostChain.start();
try {
  console.log(`idle: proxy ${show(memory(chain.proxy.child.pid ?? 0))}; agent ${show(memory(chain.agentPid))}`);
  const generate = `echo; read x; dd if=/dev/zero bs=1M count=${size} 2>/dev/null; sleep 1000`;
  await measure(chain, 'stdout', generate, async (shim) => {
    shim.stdin?.write('\n');
    await received(shim, size * MIB);
  });
  const discard = `echo; dd of=/dev/null bs=1M count=${size} iflag=fullblock 2>/dev/null; echo; sleep 1000`;
  await measure(chain, 'stdin', discard, async (shim) => {
    const chunk = Buffer.alloc(MIB);
    const answer = received(shim, 1);
    for (let i = 0; i < size; i++) if (shim.stdin?.write(chunk) === false) await once(shim.stdin, 'drain');
    await answer;
  });
} finally {
  await chain.stop();
}
