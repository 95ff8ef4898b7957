import { dirname } from 'node:path';
import { containerFile } from '../context/paths.ts';
import type { Context } from '../context/context.ts';
import { keepTrace } from '../tracing/trace-settings.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';

const directoryOf = ({ sandboxId, id }: ContainerPlace): string => dirname(containerFile(sandboxId, id));

/** Makes the command a part of the trace that the container's `create` has begun, unless the engine has named another parent. */
export const continueTrace = ({ trace }: Pick<Context, 'trace'>, place: ContainerPlace): Promise<void> =>
  trace.join(directoryOf(place), place.id);

/** For the commands after `create`. The container's directory must exist. */
export function keepTraceFor({ trace }: Pick<Context, 'trace'>, place: ContainerPlace): void {
  if (trace.kept) keepTrace(directoryOf(place), trace.kept);
}
