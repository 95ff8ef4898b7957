/**
 * A clone on its way while the engine's hooks make its network. It has one device, as most containers have one link; what the guest
 * is told of it comes later anyhow. With another network it is given up, and the VM is made as ever.
 */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { whyNotCloned } from '../factory/cloneable-plan.ts';
import { spareMac } from '../factory/spare-link-plan.ts';
import { keyOf } from '../factory/template-key.ts';
import { clonePlan, holdTemplate, templateStore } from '../factory/use-template.ts';
import type { QemuNetwork, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { tapName } from '../network/tcfilter-plan.ts';
import { cloneReady, undoSince } from '../factory/clone-or-boot.ts';
import type { Up } from '../factory/clone-or-boot.ts';
import type { Context } from '../context/context.ts';
import { bringIntoCgroupOf } from '../vm/container-cgroup.ts';
import type { SandboxPaths } from '../context/paths.ts';
import { joinToOpenTaps, partFromTaps } from './sandbox-network.ts';
import type { NetworkNamespace, SandboxNetwork } from './sandbox-network.ts';
import { spawnGuest, vmReady } from '../vm/start-guest.ts';
import { timed } from '../context/trace-step.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { makeVmDirectories } from '../vm/vm-directories.ts';

interface AheadRequest {
  readonly planFor: (networks: readonly QemuNetwork[]) => QemuPlan;
  readonly files: SandboxPaths;
  readonly namespace: NetworkNamespace;
  readonly journal: UndoJournal;
}

export interface Ahead {
  /** The VM, joined to its network; undefined, and nothing of it left, when it does not fit or did not come up. */
  take(network: SandboxNetwork): Promise<Up | undefined>;
  /** Undoes all that was made for it. */
  drop(): Promise<void>;
}

/** QEMU makes the tap, which goes with it. */
const guessed: readonly QemuNetwork[] = [{ tap: tapName(0), mac: spareMac(0) }];

/** Only from a template that is there: to make one takes longer than any hook. */
function isWorthwhile(context: Context, plan: QemuPlan): boolean {
  const { runtime, factory } = context.configuration;
  if (runtime.internetworking_model !== 'tcfilter' || !factory.enable_template || factory.vm_cache_number > 0) return false;
  return whyNotCloned(plan) === undefined && templateStore(context).has(keyOf(plan));
}

interface Cloning {
  /** Settled when QEMU has its taps, and the template's state. */
  readonly loaded: Promise<void>;
  readonly ready: Promise<Up>;
}

/** Starts QEMU and the proxy. What goes on then needs neither the main thread's namespace nor children, which the hooks have. */
async function spawnClone(context: Context, plan: QemuPlan, { files, namespace, journal }: AheadRequest): Promise<Cloning> {
  await makeVmDirectories(context, files, journal);
  const template = await timed(context.log, 'hold template', () => holdTemplate(context, plan));
  try {
    const start = { plan: clonePlan(plan, template), files, netns: namespace.path, journal, state: template.files.state };
    const spawned = await spawnGuest(context, start);
    bringIntoCgroupOf(context, plan.sandboxId, [spawned.qemu.identity.pid, spawned.proxy.pid]); // the hooks are not the container's
    const loaded = vmReady(context, start, spawned);
    const ready = loaded.then(() => cloneReady(context, start, spawned)).finally(() => template.release());
    ready.catch(() => {}); // told to who takes it
    return { loaded, ready };
  } catch (error) {
    template.release();
    throw error;
  }
}

/** @returns undefined when no clone can be started */
export async function cloneAhead(context: Context, request: AheadRequest): Promise<Ahead | undefined> {
  const { log } = context;
  const { namespace, journal } = request;
  const plan = request.planFor(guessed);
  if (!namespace.created || !isWorthwhile(context, plan)) return undefined;
  const begun = journal.entries().length;
  const undo = (): Promise<void> => undoSince(journal, begun, log);
  const unusable = (error: unknown): void =>
    log.warn('the VM that was cloned ahead of its network cannot be used', { reason: errorMessage(error) });
  try {
    const { loaded, ready } = await spawnClone(context, plan, request);
    const drop = async (): Promise<void> => {
      await undo();
      await ready.then(({ agent }) => agent.close()).catch(() => {}); // its processes have ended
    };
    const take = async (network: SandboxNetwork): Promise<Up | undefined> => {
      const fits = network.facts.links.length === guessed.length;
      try {
        if (!fits) log.info('the VM that was cloned ahead does not fit its network', { links: network.facts.links.length });
        else {
          await loaded;
          await timed(log, 'join taps', () => joinToOpenTaps(context, network));
          return await ready;
        }
      } catch (error) {
        unusable(error);
      }
      await drop();
      if (fits) await partFromTaps(context, network);
      return undefined;
    };
    return { take, drop };
  } catch (error) {
    unusable(error);
    await undo();
    return undefined;
  }
}
