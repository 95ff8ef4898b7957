/** A VM that starts while the engine's hook configures the network namespace (docker up to 27). */
import type { SandboxNetwork } from './attach-network.ts';
import type { RunningVm } from './start-guest.ts';

export interface EarlyVm {
  /** Whether a template could not be used. */
  readonly hasFailed: boolean;
  /** To be called at most once, with the main thread in the network namespace, where the thread must stay until the next turn of the event loop. */
  begin(): void;
  /** Resolves when the journal is complete. The connection to the VM's agent is closed. */
  abandon(): Promise<void>;
  /** @returns the VM, attached to the network; undefined when it cannot be used, and has been removed. @throws KataError */
  take(network: SandboxNetwork): Promise<RunningVm | undefined>;
}
