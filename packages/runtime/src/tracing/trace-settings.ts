/** The trace settings of a container. `create` stores them beside the state, because some later commands do not read the configuration. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TraceSettings {
  /** `trace_endpoint` of [runtime]. */
  readonly endpoint: string;
  /** Whether calls request the agent's spans. */
  readonly agent: boolean;
}

export interface KeptTrace extends TraceSettings {
  /** The span of `create`, as a `traceparent` of W3C. */
  readonly parent: string;
}

const FILE = 'trace.json';

export function keepTrace(directory: string, kept: KeptTrace): void {
  writeFileSync(join(directory, FILE), JSON.stringify(kept), { mode: 0o600 });
}

/** Returns undefined for a container that is not traced. */
export function readKeptTrace(directory: string): KeptTrace | undefined {
  try {
    const { endpoint, agent, parent } = JSON.parse(readFileSync(join(directory, FILE), 'utf8')) as Partial<
      Record<keyof KeptTrace, unknown>
    >;
    return typeof endpoint === 'string' && typeof parent === 'string' ? { endpoint, agent: agent === true, parent } : undefined;
  } catch {
    return undefined;
  }
}
