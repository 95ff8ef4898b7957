import type { Bundle } from '../bundle/load-bundle.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';

/** A container to create. */
export interface CreateRequest {
  readonly id: string;
  readonly bundle: Bundle;
  /** Slave of an existing pseudo terminal (1.x's --console). */
  readonly console?: string;
  /** Socket that receives the new terminal's master. */
  readonly consoleSocket?: string;
  /** Socket that receives a pidfd of the shim. */
  readonly pidfdSocket?: string;
  /** True when the caller waits for the process itself and reads its output. */
  readonly attached: boolean;
  /** True when the same command starts the container: the process may end before the command. */
  readonly starts: boolean;
  /** Called last; when it throws, the create has failed. */
  readonly onCreated?: (shim: SpawnedProcess) => void;
}
