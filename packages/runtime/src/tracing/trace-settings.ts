/** How a container is traced: kept beside its state by `create`, for later commands, which do not all read the configuration. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TraceSettings {
  /** `trace_endpoint` of [runtime]. */
  readonly endpoint: string;
  /** Whether calls ask the agent for its spans. */
  readonly agent: boolean;
}

export interface KeptTrace extends TraceSettings {
  /** The span of `create`, in W3C's form. */
  readonly parent: string;
}

const FILE = 'trace.json';

export function keepTrace(directory: string, kept: KeptTrace): void {
  writeFileSync(join(directory, FILE), JSON.stringify(kept), { mode: 0o600 });
}

/** undefined for a container that is not traced. */
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
