/**
 * The first container of a sandbox whose VM runs before its network is known (EarlyVm): it is created while docker's hook works, and while
 * the links are attached. The process of a container does not run before `start`.
 */
import { setsLinks } from '../bundle/sets-links.ts';
import type { Context } from '../context/context.ts';
import type { RunningVm } from '../vm/start-guest.ts';
import { beginGuest, vmState } from './begin-guest.ts';
import { needsDisks } from './container-disks.ts';
import { earlyHooks, isDockersHook } from './container-hooks.ts';
import { createInGuest } from './create-in-guest.ts';
import type { SandboxRequest } from './sandbox-request.ts';
import { takesSeccomp } from './takes-seccomp.ts';
import { processesOf, whileRunning } from './while-running.ts';

export class EarlyContainer {
  readonly #context: Context;
  readonly #request: SandboxRequest;
  #begun: { readonly vm: RunningVm; readonly created: Promise<boolean> } | undefined;

  constructor(context: Context, request: SandboxRequest) {
    this.#context = context;
    this.#request = request;
  }

  /** Creates the sandbox in the guest, and the container if possible. Settles when the journal is complete. @throws KataError, AgentError */
  create(vm: RunningVm): Promise<boolean> {
    const created = this.#create(vm);
    this.#begun = { vm, created };
    return created;
  }

  /** Whether the container has been created; undefined when nothing was done in the guest of this VM. */
  createdBy({ agent }: RunningVm): Promise<boolean> | undefined {
    return this.#begun?.vm.agent === agent ? this.#begun.created : undefined;
  }

  async #create(vm: RunningVm): Promise<boolean> {
    const { agent } = vm;
    const { sandboxId, journal, bundle } = this.#request;
    const context = this.#context;
    const sandbox = vmState(vm);
    const answer = takesSeccomp(context, bundle, agent);
    answer.catch(() => {}); // reported when it is needed
    return whileRunning(processesOf(sandbox), { agent, kernel: context.kernel }, async () => {
      await beginGuest(context, this.#request, vm);
      if (!this.#isIndependent()) return false;
      await createInGuest(context, this.#request, { sandboxId, journal, sandbox, agent, takesSeccomp: answer });
      return true;
    });
  }

  /** Other hooks may change the files that are shared with the guest. A file system on a disk must not be mounted while a hook may write to it. */
  #isIndependent(): boolean {
    const { sandboxId, id, bundle } = this.#request;
    const mounts = bundle.spec.mounts ?? [];
    return (
      earlyHooks(bundle).every(isDockersHook) &&
      !setsLinks(bundle.spec) &&
      !needsDisks(this.#context, { id, sandboxId, sandbox: {}, bundle, mounts })
    );
  }
}
