/**
 * A clone that starts while the engine's hook configures the network namespace. It has a network device for each link that the hook is
 * expected to add. If the hook adds others, the clone is ended, and another VM is started.
 */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Context } from '../context/context.ts';
import type { SandboxPaths } from '../context/paths.ts';
import type { QemuNetwork, QemuPlan } from '../hypervisor/qemu/qemu-plan.ts';
import { createTaps } from '../network/create-taps.ts';
import { joinLinks } from '../network/join.ts';
import { tapName } from '../network/tcfilter-plan.ts';
import type { UndoJournal } from '../undo/undo-journal.ts';
import { undoSince } from '../undo/undo.ts';
import { detachTaps } from '../vm/attach-network.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import { makeVmDirectories } from '../vm/vm-directories.ts';
import type { EarlyVm, GuestWork } from '../vm/early-vm.ts';
import { spareMac } from './templates/spare-link-plan.ts';
import { cloneObstacle } from './templates/cloneable-plan.ts';
import { cloneFrom } from './templates/start-vm.ts';
import type { LockedTemplate } from './templates/template-store.ts';
import { lockCompleteTemplate } from './templates/use-template.ts';

/** Devices have the addresses of the template until the agent sets those of the links. */
export const networksFor = (links: number): QemuNetwork[] =>
  Array.from({ length: links }, (_, index) => ({ tap: tapName(index), mac: spareMac(index) }));

export interface EarlyCloneRequest {
  readonly files: SandboxPaths;
  /** The sandbox's. */
  readonly journal: UndoJournal;
  /** Path of a network namespace that is removed with the sandbox. */
  readonly netns: string;
  /** Number of links that the hook is expected to add. */
  readonly links: number;
  /** The plan of a VM with these network devices. */
  readonly planFor: (networks: readonly QemuNetwork[]) => QemuPlan;
  /** As in VmRequest. */
  readonly forwardsPorts: boolean;
  readonly work?: GuestWork | undefined;
}

export class EarlyClone implements EarlyVm {
  readonly #context: Context;
  readonly #request: EarlyCloneRequest;
  readonly #plan: QemuPlan;
  readonly #template: LockedTemplate;
  readonly #entriesBefore: number;
  readonly #begun = Promise.withResolvers<void>();
  readonly #starting: Promise<RunningVm | undefined>;
  readonly #working: Promise<unknown>;
  #hasBegun = false;
  #hasFailed = false;

  private constructor(context: Context, request: EarlyCloneRequest, plan: QemuPlan, template: LockedTemplate) {
    this.#context = context;
    this.#request = request;
    this.#plan = plan;
    this.#template = template;
    this.#entriesBefore = request.journal.entries().length;
    this.#starting = this.#begun.promise.then(() => this.#start()); // here: the spans of the start are not children of the hook's
    this.#working = this.#starting.then((vm) => vm && request.work?.(vm));
    this.#working.catch(() => {}); // reported by the work itself
  }

  /** @returns undefined when no VM can be cloned at once. @throws Error when a file of the VM is missing */
  static prepare(context: Context, request: EarlyCloneRequest): EarlyClone | undefined {
    if (!context.configuration.factory.enable_template) return undefined;
    const plan = request.planFor(networksFor(request.links));
    if (cloneObstacle(plan) !== undefined) return undefined;
    const template = lockCompleteTemplate(context, plan);
    return template && new EarlyClone(context, request, plan, template);
  }

  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  begin(): void {
    this.#hasBegun = true;
    this.#begun.resolve();
  }

  async abandon(): Promise<void> {
    if (!this.#hasBegun) return this.#template.release();
    (await this.#starting)?.agent.close();
    await this.#working.catch(() => {});
  }

  async take(network: SandboxNetwork): Promise<RunningVm | undefined> {
    const { networks, facts, path, hasResolver } = network;
    const isOther = networks.length !== this.#plan.networks.length || networks.some(({ macvtap }) => macvtap);
    if (!this.#hasBegun || this.#hasFailed || isOther) {
      await this.abandon();
      return this.#hasBegun ? this.#remove(network) : undefined;
    }
    const joining = this.#context.trace.step('attach taps', () =>
      joinLinks(path, facts.links, { taps: 'existing', hasResolver }, this.#context.kernel),
    );
    const [vm] = await Promise.all([this.#starting, joining]);
    return vm ? { ...vm, plan: { ...vm.plan, networks } } : this.#remove(network);
  }

  async #start(): Promise<RunningVm | undefined> {
    const { files, journal, netns, forwardsPorts } = this.#request;
    try {
      await this.#makeNeeded().catch((error: unknown) => {
        this.#template.release();
        throw error;
      });
      return await cloneFrom(this.#context, { plan: this.#plan, files, netns, journal, forwardsPorts }, this.#template);
    } catch (error) {
      this.#hasFailed = true;
      this.#context.log.warn('no VM template can be used: the VM is booted', { reason: errorMessage(error) });
      return undefined;
    }
  }

  async #makeNeeded(): Promise<void> {
    const taps = this.#plan.networks.map(({ tap }) => tap);
    createTaps(taps, this.#context.kernel); // without waiting: the links may be joined to the taps as soon as the hook has ended
    await makeVmDirectories(this.#context, this.#request.files, this.#request.journal);
  }

  async #remove(network: SandboxNetwork): Promise<undefined> {
    await undoSince(this.#request.journal, this.#entriesBefore, this.#context);
    await detachTaps(this.#context, { ...network, networks: this.#plan.networks });
  }
}
