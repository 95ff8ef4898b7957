/** How long a guest takes from QEMU's start to its kernel's init, and from there to an agent that answers. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { YamuxSession } from '../packages/common/src/mux/yamux-session.ts';
import { qemuCommandLine } from '../packages/runtime/src/hypervisor/qemu/command-line.ts';
import type { QemuPlan } from '../packages/runtime/src/hypervisor/qemu/command-line.ts';
import { until } from '../tests/e2e/engine.ts';
import { stage } from '../tests/e2e/staged.ts';

export interface Boot {
  readonly initMs: number;
  readonly answeringMs: number;
}

function plan(directory: string): QemuPlan {
  const share = join(stage, 'usr/share/kata-containers');
  const image = join(share, 'kata-containers.img');
  return {
    binary: 'qemu-system-x86_64',
    sandboxId: 'bench',
    uuid: '00000000-0000-4000-8000-000000000000',
    accelerator: 'tcg',
    machineType: 'pc',
    machineAccelerators: '',
    cpuFeatures: '',
    vcpus: 1,
    maxVcpus: 2,
    memoryMiB: 2048,
    maxMemoryMiB: 4096,
    memorySlots: 10,
    bridges: 1,
    kernel: join(share, 'vmlinuz.container'),
    kernelParams: 'loglevel=7',
    agentDebug: false,
    debug: true,
    image: { path: image, sizeBytes: statSync(image).size },
    imageAsNvdimm: true,
    firmware: '',
    entropySource: '/dev/urandom',
    sharedDirectory: join(directory, 'shared'),
    networks: [],
    vhostNet: false,
    nested: false,
    paths: {
      qmpSocket: join(directory, 'qmp.sock'),
      consoleSocket: join(directory, 'console.sock'),
      agentSocket: join(directory, 'kata.sock'),
      pidFile: join(directory, 'pid'),
    },
  };
}

/** Boots once, by emulation. */
export async function boot(): Promise<Boot> {
  const directory = mkdtempSync(join(tmpdir(), 'kata-boot-'));
  mkdirSync(join(directory, 'shared'));
  const wanted = plan(directory);
  const start = performance.now();
  const qemu = spawn(wanted.binary, qemuCommandLine(wanted), { stdio: 'ignore' });
  try {
    await until('the sockets are there', () => existsSync(wanted.paths.consoleSocket) && existsSync(wanted.paths.agentSocket));
    let initMs = 0;
    createConnection(wanted.paths.consoleSocket).on('data', (chunk) => {
      if (initMs === 0 && chunk.includes('/sbin/init')) initMs = performance.now() - start;
    });
    const session = new YamuxSession('client', createConnection(wanted.paths.agentSocket));
    await session.ping(60_000);
    const answeringMs = performance.now() - start;
    session.fail();
    return { initMs, answeringMs };
  } finally {
    const ended = once(qemu, 'exit');
    qemu.kill('SIGKILL');
    await ended;
    rmSync(directory, { recursive: true });
  }
}
