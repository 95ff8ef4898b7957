/** The end of any process, also of one that is not a child of ours. */
import { isBun } from '../process/engine.ts';
import { processEndOnBun } from './process-end-bun.ts';
import { processEndOnNode } from './process-end-node.ts';

export interface ProcessEnd {
  readonly ended: Promise<void>;
  /** Waits no longer: `ended` stays open. */
  close(): void;
}

/** Owns and closes `pidfd`. */
export const processEnd: (pidfd: number) => ProcessEnd = isBun ? processEndOnBun : processEndOnNode;
