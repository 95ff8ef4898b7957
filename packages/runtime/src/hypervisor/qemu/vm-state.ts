/**
 * The state of a VM to a file and back, by QEMU's migration (docs/devel/migration). Memory that stands in a shared file is left out
 * (x-ignore-shared): whoever loads the state maps the file.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HypervisorError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { QmpClient } from '../qmp/qmp-client.ts';

const LOOK_MS = 5;

/** A path as one word of the shell that QEMU runs. */
const quoted = (path: string): string => `'${path.replaceAll("'", `'\\''`)}'`;

async function leaveMemoryOut(monitor: QmpClient): Promise<void> {
  await monitor.execute('migrate-set-capabilities', { capabilities: [{ capability: 'x-ignore-shared', state: true }] });
}

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

/** Stops the VM and writes its state. @throws QmpError, HypervisorError, TimeoutError */
export async function saveState(monitor: QmpClient, path: string, timeoutMs: number): Promise<void> {
  await monitor.execute('stop');
  await leaveMemoryOut(monitor);
  await monitor.execute('migrate', { uri: `exec:cat>${quoted(path)}` });
  await completed(monitor, timeoutMs);
}

/** Gives a VM that was started with `incoming` the state, and lets it run. @throws QmpError, HypervisorError, TimeoutError */
export async function loadState(monitor: QmpClient, path: string, timeoutMs: number): Promise<void> {
  await leaveMemoryOut(monitor);
  await monitor.execute('migrate-incoming', { uri: `exec:cat ${quoted(path)}` });
  await completed(monitor, timeoutMs);
  await monitor.execute('cont');
}
