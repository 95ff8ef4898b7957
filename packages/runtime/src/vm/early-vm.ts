/** A VM that starts while the engine's hook configures the network namespace (docker up to 27). */
import type { SandboxNetwork } from './attach-network.ts';
import type { RunningVm } from './start-guest.ts';

/** What is done in the guest as soon as it runs. Settles when the journal is complete. The caller gets the result from the function itself. */
export type GuestWork = (vm: RunningVm) => Promise<unknown>;

export interface EarlyVm {
  /** Whether a template could not be used. */
  readonly hasFailed: boolean;
  /** To be called at most once, with the main thread in the network namespace, where the thread must stay until the next turn of the event loop. */
  begin(): void;
  /** Resolves when the journal is complete. The connection to the VM's agent is closed. */
  abandon(): Promise<void>;
  /**
   * @returns the VM, attached to the network, while the work in its guest continues; undefined when the VM cannot be used, and has been
   * removed. @throws KataError
   */
  take(network: SandboxNetwork): Promise<RunningVm | undefined>;
}
