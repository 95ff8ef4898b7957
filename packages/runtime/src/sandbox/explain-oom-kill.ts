/** Explains the error of a verb whose VM was OOM-killed: the error of the interrupted call does not name the cause. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Context } from '../context/context.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import type { ContainerPlace } from '../state/sandbox-name.ts';
import { directoriesOf } from '../vm/container-cgroup.ts';

/** If a process of the container's cgroups was OOM-killed, returns an error that names this; otherwise returns `error`. */
export async function explainOomKill({ configuration }: Context, { sandboxId, id }: ContainerPlace, error: unknown): Promise<unknown> {
  if (!isFirstContainer(sandboxId, id)) return error; // the VM is in the cgroup of another container
  const { killedForMemory } = await import('../host-cgroup/killed-for-memory.ts');
  if (!killedForMemory(directoriesOf(sandboxId, id))) return error;
  const limit = configuration.runtime.sandbox_cgroup_only ? ': with sandbox_cgroup_only the memory limit applies to the whole VM' : '';
  return new KataError(`the VM was OOM-killed by the host${limit} (${errorMessage(error)})`, { cause: error });
}
