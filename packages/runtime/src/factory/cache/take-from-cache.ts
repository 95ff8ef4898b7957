/** Takes a VM of the cache for a sandbox. The VM can be resumed before the network of the sandbox is known. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Context } from '../../context/context.ts';
import type { SandboxPaths } from '../../context/paths.ts';
import { undoSince } from '../../undo/undo.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import { adoptTaps, detachTaps } from '../../vm/attach-network.ts';
import type { SandboxNetwork } from '../../vm/attach-network.ts';
import { firstContainer } from '../../state/sandbox-name.ts';
import { connectAgentOfVm } from '../../vm/connect-agent-of-vm.ts';
import { moveIntoCgroupOf } from '../../vm/container-cgroup.ts';
import type { RunningVm } from '../../vm/start-guest.ts';
import type { VmRequest } from '../../vm/vm-request.ts';
import type { EarlyVm, GuestWork } from '../../vm/early-vm.ts';
import { cloneObstacle } from '../templates/cloneable-plan.ts';
import { reseedClone } from '../templates/reseed-clone.ts';
import { keyOf } from '../templates/template-key.ts';
import { requestVm } from './request-vm.ts';
import { renameCachedVm, resumeCachedVm } from './cached-vm.ts';
import type { HandedVm } from './handed-vm.ts';

/** A cached VM under the sandbox's name. */
interface AdoptedVm {
  readonly handed: HandedVm;
  readonly files: SandboxPaths;
  readonly url: string;
}

type AdoptionRequest = Pick<VmRequest, 'id' | 'plan' | 'journal'> & { readonly work?: GuestWork | undefined };

export class CachedVmAdoption implements EarlyVm {
  readonly hasFailed = false; // templates can be used
  readonly #context: Context;
  readonly #request: AdoptionRequest;
  readonly #entriesBefore: number;
  readonly #begun = Promise.withResolvers<void>();
  readonly #adopting: Promise<AdoptedVm>;
  readonly #running: Promise<RunningVm>;
  readonly #working: Promise<unknown>;
  #hasBegun = false;

  private constructor(context: Context, request: AdoptionRequest) {
    this.#context = context;
    this.#request = request;
    this.#entriesBefore = request.journal.entries().length;
    this.#adopting = this.#begun.promise.then(() => this.#adopt()); // here: the spans are not children of the hook's
    this.#running = this.#adopting.then((adopted) => this.#resume(adopted));
    this.#working = this.#running.then((vm) => request.work?.(vm));
    for (const promise of [this.#adopting, this.#running, this.#working]) promise.catch(() => {}); // reported by `take` and by the work
  }

  /** @returns undefined when the VM cache is not used. The devices of `plan` have the taps of the sandbox. */
  static prepare(context: Context, request: AdoptionRequest): CachedVmAdoption | undefined {
    if (context.configuration.factory.vm_cache_number === 0) return undefined;
    const reason = cloneObstacle(request.plan);
    if (reason === undefined) return new CachedVmAdoption(context, request);
    context.log.info('the VM cache is not used', { reason });
    return undefined;
  }

  begin(): void {
    this.#hasBegun = true;
    this.#begun.resolve();
  }

  async abandon(): Promise<void> {
    if (!this.#hasBegun) return;
    const [, running] = await Promise.allSettled([this.#adopting, this.#running]);
    if (running.status === 'fulfilled') running.value.agent.close();
    await this.#working.catch(() => {});
  }

  async take(network: SandboxNetwork): Promise<RunningVm | undefined> {
    if (!this.#hasBegun) return undefined;
    if (network.networks.length !== this.#request.plan.networks.length) {
      await this.abandon();
      return this.#remove(network);
    }
    const [running, attached] = await Promise.allSettled([this.#running, this.#attach(network)]);
    if (running.status === 'fulfilled' && attached.status === 'fulfilled') {
      const networks = network.networks.map(({ tap, mac }) => ({ tap, mac })); // no macvtaps
      return { ...running.value, plan: { ...running.value.plan, networks } };
    }
    const { reason } = (running.status === 'rejected' ? running : attached) as PromiseRejectedResult;
    this.#context.log.warn('no VM of the cache can be used', { reason: errorMessage(reason) });
    await this.abandon();
    return this.#remove(network);
  }

  async #adopt(): Promise<AdoptedVm> {
    const { id, plan, journal } = this.#request;
    const { trace, configuration } = this.#context;
    const handed = await trace.step('VM cache', () => requestVm(configuration.factory.vm_cache_endpoint, keyOf(plan)));
    const files = renameCachedVm(handed.id, id, journal);
    return { handed, files, url: `unix://${files.proxySocket}` };
  }

  async #resume({ handed, files, url }: AdoptedVm): Promise<RunningVm> {
    const { trace } = this.#context;
    const { id, plan } = this.#request;
    const moved = moveIntoCgroupOf(this.#context, { sandboxId: id, id: firstContainer(id) }, [handed.vm.pid, handed.proxy.pid]);
    // Begun before the VM runs, which then finds the connection.
    const agent = await connectAgentOfVm({ url, accelerator: plan.accelerator }, { trace, isEager: true });
    try {
      await trace.step('resume', () => resumeCachedVm({ ...files, ...plan, vm: handed.vm }));
      await Promise.all([moved, trace.step('entropy and clock', () => reseedClone(agent))]);
    } catch (error) {
      agent.close();
      throw error;
    }
    return { ...handed, url, agent, plan: { ...plan, uuid: handed.uuid } };
  }

  async #attach(network: SandboxNetwork): Promise<void> {
    const { handed, files } = await this.#adopting;
    const journal = new UndoJournal(files.linkJournal);
    await this.#context.trace.step('attach taps', () => adoptTaps(this.#context, network, journal, handed.netns));
  }

  async #remove(network: SandboxNetwork): Promise<undefined> {
    await undoSince(this.#request.journal, this.#entriesBefore, this.#context);
    await detachTaps(this.#context, network);
  }
}

/** @returns undefined when the VM cache is not used */
export function adoptCachedVm(context: Context, request: VmRequest): CachedVmAdoption | undefined {
  const adoption = CachedVmAdoption.prepare(context, request);
  adoption?.begin();
  return adoption;
}
