/**
 * The state of a VM to a file and back, by QEMU's migration (docs/devel/migration). Memory that stands in a shared file is left out
 * (x-ignore-shared): the process that loads the state maps the file.
 */
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { HypervisorError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QmpClient } from '../qmp/qmp-client.ts';

const LOOK_MS = 5;

/** QEMU's name of the file's fd. */
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
    if (status === 'failed' || status === 'cancelled') throw new HypervisorError(`the state of the VM was not moved (${status})`, reason);
    if (performance.now() > deadline) throw new TimeoutError('the state of the VM', timeoutMs);
    await sleep(LOOK_MS);
  }
}

type Sender = Pick<Kernel, 'sendDescriptorOver'>;

/** QEMU may neither run a program nor see the file's directory: it gets the open file, under a name. */
async function move(
  monitor: QmpClient,
  command: string,
  file: { path: string; flags: string },
  timeoutMs: number,
  kernel: Sender,
): Promise<void> {
  await monitor.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
  const fd = openSync(file.path, file.flags, 0o600);
  try {
    await monitor.giveDescriptor(FD_NAME, fd, kernel);
    await monitor.execute(command, { uri: `fd:${FD_NAME}` });
    await completed(monitor, timeoutMs);
  } finally {
    closeSync(fd);
  }
}

/** Stops the VM and writes its state. @throws QmpError, HypervisorError, TimeoutError, KernelError */
export async function saveState(monitor: QmpClient, path: string, timeoutMs: number, kernel: Sender): Promise<void> {
  await monitor.execute('stop');
  await move(monitor, 'migrate', { path, flags: 'w' }, timeoutMs, kernel);
}

/** Gives a VM that was started with `incoming` the state, and lets it run. @throws QmpError, HypervisorError, TimeoutError, KernelError */
export async function loadState(monitor: QmpClient, path: string, timeoutMs: number, kernel: Sender): Promise<void> {
  await move(monitor, 'migrate-incoming', { path, flags: 'r' }, timeoutMs, kernel);
  await monitor.execute('cont');
}
