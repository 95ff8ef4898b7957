/**
 * Saves the state of a VM to a file and loads it, by QEMU's migration (docs/devel/migration). The state does not contain memory in a
 * shared file (x-ignore-shared): the QEMU that loads the state maps the file.
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HypervisorError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QmpClient } from '../qmp/qmp-client.ts';

const LOOK_MS = 5;

/** Name of the fd of the state file in QEMU. */
const FD_NAME = 'state';

interface Migration {
  readonly status?: string;
  readonly 'error-desc'?: string;
}

async function completed(monitor: QmpClient, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { status, 'error-desc': reason = 'no reason is known' } = (await monitor.execute('query-migrate')) as Migration;
    if (status === 'completed') return;
    if (status === 'failed' || status === 'cancelled')
      throw new HypervisorError(`the state of the VM was neither saved nor loaded (${status})`, reason);
    if (performance.now() > deadline) throw new TimeoutError('the state of the VM', timeoutMs);
    await sleep(LOOK_MS);
  }
}

type Sender = Pick<Kernel, 'sendDescriptorOver'>;

export interface StateFile {
  readonly path: string;
  readonly timeoutMs: number;
}

interface Move extends StateFile {
  /** QMP command, and the open(2) flags of the file. */
  readonly command: 'migrate' | 'migrate-incoming';
  readonly flags: 'r' | 'w';
}

/** A confined QEMU cannot open the file: the runtime passes an fd. */
async function move(monitor: QmpClient, { path, timeoutMs, command, flags }: Move, kernel: Sender): Promise<void> {
  await monitor.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
  const fd = openSync(path, flags, 0o600);
  try {
    await monitor.giveDescriptor(FD_NAME, fd, kernel);
    await monitor.execute(command, { uri: `fd:${FD_NAME}` });
    await completed(monitor, timeoutMs);
  } finally {
    closeSync(fd);
  }
}

/** Stops the VM and writes its state. @throws QmpError, HypervisorError, TimeoutError, KernelError */
export async function saveState(monitor: QmpClient, file: StateFile, kernel: Sender): Promise<void> {
  await monitor.execute('stop');
  await move(monitor, { ...file, command: 'migrate', flags: 'w' }, kernel);
}

/**
 * Loads the state into a VM that was started with `incoming`, and resumes the VM.
 * @throws QmpError, HypervisorError, TimeoutError, KernelError
 */
export async function loadState(monitor: QmpClient, file: StateFile, kernel: Sender): Promise<void> {
  await move(monitor, { ...file, command: 'migrate-incoming', flags: 'r' }, kernel);
  await monitor.execute('cont');
}
