/** Boots a VM that belongs to no sandbox and saves it. */
import { mkdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { KataError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import { spareLinkHandler } from '@kata-containers/common/agent-api/spare-link';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { Seccomp } from '@kata-containers/common/oci/spec';
import { cpuMilliseconds, signalProcess } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { saveState } from '../../hypervisor/qemu/vm-state.ts';
import type { QmpClient } from '../../hypervisor/qmp/qmp-client.ts';
import { tapName } from '../../network/tcfilter-plan.ts';
import { STATE_TIMEOUT_MS, guestTimeout } from '../../context/context.ts';
import type { Context } from '../../context/context.ts';
import { connectAgentOfVm } from '../../vm/connect-agent-of-vm.ts';
import type { GuestStart, Needed } from '../../vm/guest-start.ts';
import { startGuest } from '../../vm/start-guest.ts';
import type { RunningVm } from '../../vm/start-guest.ts';
import { restartProxy } from '../../vm/start-proxy.ts';
import { withMonitorAt } from '../../vm/with-monitor.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import { undoOrWarn } from '../../undo/undo.ts';
import { spareMac } from './spare-link-plan.ts';
import { makeTapNamespace } from './tap-namespace.ts';
import type { InputFile } from './template-key.ts';
import type { TemplateFiles, TemplateRecord } from './template-store.ts';
import { warmUp } from './warm-up.ts';

/** Time for the agent to listen again after its proxy has ended. */
const LISTEN_TIMEOUT_MS = 5000;
/** A guest is idle when QEMU uses less than `IDLE_CPU_MS` of CPU time in `POLL_MS`. `IDLE_TIMEOUT_MS` limits the wait. */
const POLL_MS = 100;
const IDLE_CPU_MS = 20;
const IDLE_TIMEOUT_MS = 5000;

/** The plan of the VM that becomes the template: without a sandbox's share and network. */
function templatePlan(plan: QemuPlan, files: TemplateFiles): QemuPlan {
  return {
    ...plan,
    sandboxId: `template-${files.key}`,
    uuid: randomUuid(),
    sharedDirectory: files.share,
    networks: plan.networks.map((_, index) => ({ tap: tapName(index), mac: spareMac(index) })),
    memoryFile: { path: files.memory, shared: true },
    ...(plan.keepsCode && { codeFile: files.code }),
    paths: files,
  };
}

/** @throws KataError for an agent that could not use the devices of a template */
async function checkAgent(agent: AgentConnection, { networks, accelerator }: QemuPlan): Promise<void> {
  if (networks.length === 0) return;
  const { agent_details } = await agent.call('getGuestDetails', {}, { deadlineMs: guestTimeout(STATE_TIMEOUT_MS, accelerator) });
  if (agent_details?.device_handlers.includes(spareLinkHandler) !== true)
    throw new KataError('the agent in the guest is incompatible: it cannot set the hardware address of a network device');
}

/** Makes qemu-lite drop the translated code of the boot, by stop and cont: clones do not boot. */
async function dropBootCode(monitor: QmpClient, { keepsCode }: QemuPlan): Promise<void> {
  if (!keepsCode) return;
  await monitor.execute('stop');
  await monitor.execute('cont');
}

/**
 * Resolves when the guest has opened its end of the agent's port again. QEMU reports changes at most once a second, so it does not report
 * every closing.
 */
function listensAgain(monitor: QmpClient): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  monitor.onEvent(({ name, data }) => {
    if (name === 'VSERPORT_CHANGE' && data['open'] === true) resolve();
  });
  return promise;
}

/** Waits until the guest is idle: each clone would repeat its unfinished work. */
async function waitUntilIdle(vm: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + IDLE_TIMEOUT_MS;
  let used = cpuMilliseconds(vm);
  while (performance.now() < deadline) {
    await sleep(POLL_MS);
    const now = cpuMilliseconds(vm);
    if (now - used < IDLE_CPU_MS) return;
    used = now;
  }
}

/** Ends the proxy, and waits until the agent listens again. @throws TimeoutError */
async function endProxy(monitor: QmpClient, proxy: ProcessIdentity, accelerator: QemuPlan['accelerator']): Promise<void> {
  const listenMs = guestTimeout(LISTEN_TIMEOUT_MS, accelerator);
  const listening = listensAgain(monitor);
  signalProcess(proxy, 'SIGTERM');
  await withTimeout(listening, listenMs, () => new TimeoutError('the agent to listen again', listenMs));
}

async function save(
  files: TemplateFiles,
  guest: { vm: ProcessIdentity; proxy: ProcessIdentity },
  { accelerator }: QemuPlan,
  kernel: Context['kernel'],
): Promise<void> {
  await withMonitorAt({ ...files, accelerator, vm: guest.vm }, async (monitor) => {
    await endProxy(monitor, guest.proxy, accelerator);
    await waitUntilIdle(guest.vm);
    await saveState(monitor, { path: `${files.state}.tmp`, timeoutMs: guestTimeout(STATE_TIMEOUT_MS, accelerator) }, kernel);
    await monitor.execute('quit').catch(() => {}); // QEMU may end before it has answered
  });
  if (statSync(`${files.state}.tmp`).size === 0) throw new KataError('QEMU wrote no state');
}

/** Starts another proxy, as each clone does: the warm-up includes what the guest does for the first connection. Drops the code of the boot. */
async function reconnect(context: Context, start: GuestStart, guest: RunningVm, { qmpSocket }: TemplateFiles): Promise<Needed> {
  const { plan } = start;
  await withMonitorAt({ qmpSocket, accelerator: plan.accelerator, vm: guest.vm }, async (monitor) => {
    await endProxy(monitor, guest.proxy, plan.accelerator);
    await dropBootCode(monitor, plan);
  });
  return restartProxy(context, start, guest.vm);
}

/** Inputs of a template. */
export interface TemplateOrigin {
  readonly inputs: readonly InputFile[];
  /** The seccomp profile of the container that needs the template first, compiled once for all clones. */
  readonly seccomp: Seccomp | undefined;
}

/**
 * To be called with the exclusive lock of the template's directory. The state file is renamed last. Ends its processes when it fails.
 * @throws KataError
 */
export async function makeTemplate(
  context: Context,
  plan: QemuPlan,
  files: TemplateFiles,
  { inputs, seccomp }: TemplateOrigin,
): Promise<void> {
  const journal = new UndoJournal(files.journal);
  try {
    const own = templatePlan(plan, files);
    journal.record({ undo: 'rmdir', path: files.share });
    mkdirSync(files.share, { mode: 0o700 });
    const netns = await makeTapNamespace(own.networks, journal, context.kernel);
    const start = { plan: own, files, netns, journal };
    const guest = await startGuest(context, start);
    try {
      await checkAgent(guest.agent, own);
    } finally {
      guest.agent.close();
    }
    const proxy = await reconnect(context, start, guest, files);
    const connect = (): Promise<AgentConnection> => connectAgentOfVm({ url: guest.url, accelerator: own.accelerator }, { isEager: true });
    await Promise.race([warmUp(connect, context, { networks: own.networks, seccomp }), proxy.failed]);
    await save(files, { vm: guest.vm, proxy: proxy.identity }, own, context.kernel);
  } finally {
    await undoOrWarn(journal.entries(), context, 'clean-up after making a VM template is not complete');
  }
  const record: TemplateRecord = { inputs };
  writeFileSync(files.record, JSON.stringify(record), { mode: 0o600 });
  renameSync(`${files.state}.tmp`, files.state);
}
