/**
 * A paused VM of the cache with a name of its own. A sandbox takes the VM over by renaming its directories: QEMU and the proxy are not
 * affected, because they have the sockets and the share open. The tap is moved to the sandbox's network namespace.
 */
import { mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import { isAlive } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { randomUuid } from '@kata-containers/common/random/random-uuid';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { startVm } from '../templates/start-vm.ts';
import type { Context, Tools } from '../../context/context.ts';
import { directoriesIn } from '../../context/directories-in.ts';
import { sandboxPaths, vmFiles, vmsDirectory } from '../../context/paths.ts';
import type { SandboxPaths } from '../../context/paths.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import type { Undo } from '../../undo/undo-journal.ts';
import { undoOrWarn } from '../../undo/undo.ts';
import { makeShare } from '../../storage/share.ts';
import { connectAgentOfVm } from '../../vm/connect-agent-of-vm.ts';
import { withMonitorAt } from '../../vm/with-monitor.ts';
import type { MonitoredVm } from '../../vm/with-monitor.ts';
import { makeTapNamespace } from '../templates/tap-namespace.ts';
import { readLastProfile } from '../templates/last-profile.ts';
import { keyOf } from '../templates/template-key.ts';
import { warmUp } from '../templates/warm-up.ts';

/** Prefix of the names of cached VMs. Engines do not generate such ids. */
const NAME = 'cache-';
const JOURNAL = 'undo.jsonl';

export interface CachedVm {
  readonly id: string;
  /** Key of the template that the VM could be cloned from. The VM can be used for containers with the same key. */
  readonly key: string;
  /** The plan that the VM was started with. */
  readonly plan: QemuPlan;
  readonly vm: ProcessIdentity;
  readonly proxy: ProcessIdentity;
  /** Path of the network namespace that QEMU was started in. */
  readonly netns: string;
}

/** The paths of a sandbox, except those in the state directory: a cached VM has no state. */
export function cachedVmPaths(id: string): SandboxPaths {
  const paths = sandboxPaths(id);
  return { ...paths, journal: join(paths.vm, JOURNAL), proxySocket: join(paths.vm, 'proxy.sock') };
}

export const isCachedVm = (name: string): boolean => name.startsWith(NAME);

/** `usual` is the plan of a new VM with the current configuration. */
export const isUsable = ({ vm, proxy, key }: CachedVm, usual: QemuPlan): boolean => isAlive(vm) && isAlive(proxy) && keyOf(usual) === key;

/** Starts a VM, warms it up, and pauses it. Leaves nothing behind when it fails. @throws KataError */
export async function makeCachedVm(context: Context, usual: QemuPlan): Promise<CachedVm> {
  const id = `${NAME}${randomUuid()}`;
  const paths = cachedVmPaths(id);
  const plan = { ...usual, sandboxId: id, uuid: randomUuid(), sharedDirectory: paths.shared, paths };
  mkdirSync(paths.vm, { recursive: true, mode: 0o700 });
  const journal = new UndoJournal(paths.journal);
  try {
    journal.record({ undo: 'rmdir', path: paths.vm });
    journal.record({ undo: 'remove-sockets', directory: paths.vm, names: [JOURNAL, 'proxy.sock', ...vmFiles] });
    makeShare(paths, (entry) => journal.record(entry), context.kernel);
    const netns = await makeTapNamespace(plan.networks, journal, context.kernel);
    const up = await startVm(context, { plan, files: paths, netns, journal });
    up.agent.close();
    const seccomp = readLastProfile(context.configuration.factory.template_path);
    const connect = (): Promise<AgentConnection> => connectAgentOfVm({ url: up.url, accelerator: up.plan.accelerator }, { isEager: true });
    await warmUp(connect, context, { networks: plan.networks, seccomp });
    await withMonitorAt({ ...paths, ...plan, ...up }, (monitor) => monitor.execute('stop'));
    return { id, key: keyOf(usual), plan: up.plan, vm: up.vm, proxy: up.proxy, netns };
  } catch (error) {
    await discardCachedVm(context, id);
    throw error;
  }
}

/** Resumes a VM that was kept ready. */
export const resumeCachedVm = (vm: MonitoredVm): Promise<unknown> => withMonitorAt(vm, (monitor) => monitor.execute('cont'));

/** Ends a cached VM and undoes its changes on the host. Failures are logged. */
export async function discardCachedVm(tools: Tools, id: string): Promise<void> {
  await undoOrWarn(new UndoJournal(cachedVmPaths(id).journal).entries(), tools, 'a cached VM is not removed completely');
}

/** Ends the VMs that a killed server has left behind. */
export async function discardCachedVms(tools: Tools): Promise<void> {
  for (const id of directoriesIn(vmsDirectory).filter(isCachedVm)) await discardCachedVm(tools, id);
}

/** Adds to each entry with the VM's name a copy with the new name. */
function renamed(entries: readonly Undo[], from: string, to: string): Undo[] {
  return entries.flatMap((entry) => {
    const text = JSON.stringify(entry);
    return text.includes(from) ? [entry, JSON.parse(text.replaceAll(from, to)) as Undo] : [entry];
  });
}

/**
 * Renames a cached VM to the sandbox. Copies the undo entries of the VM to the sandbox's journal, with the old and the new name. @returns
 * the VM's paths under the new name
 */
export function renameCachedVm(from: string, to: string, journal: UndoJournal): SandboxPaths {
  const [old, own] = [cachedVmPaths(from), sandboxPaths(to)];
  journal.record({ undo: 'unlink', path: own.proxySocket });
  for (const entry of renamed(new UndoJournal(old.journal).entries(), from, to)) journal.record(entry);
  mkdirSync(dirname(own.share), { recursive: true, mode: 0o750 });
  renameSync(old.share, own.share);
  renameSync(old.proxySocket, own.proxySocket);
  renameSync(old.vm, own.vm);
  return own;
}
