/** Waits for the end of any process, not only of a child. */
import { isBun } from '../process/engine.ts';
import { processEndOnBun } from './process-end-bun.ts';
import { processEndOnNode } from './process-end-node.ts';

export interface ProcessEnd {
  readonly ended: Promise<void>;
  /** Stops waiting: `ended` stays pending. */
  close(): void;
}

/** Owns and closes `pidfd`. */
export const processEnd: (pidfd: number) => ProcessEnd = isBun ? processEndOnBun : processEndOnNode;
