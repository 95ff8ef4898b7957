import { oomKillsFileIn } from '@kata-containers/common/cgroups/oom-kills';
import type { Context } from '../context/context.ts';
import { sandboxPaths } from '../context/paths.ts';
import { launchShim } from '../processes/launch-shim.ts';
import type { StartedShim } from '../processes/launch-shim.ts';
import type { ShimHelper } from '../processes/shim-helper.ts';
import type { ShimNamespaces } from '../processes/spawn-detached.ts';
import { cgroupContainerOf } from '../state/state.ts';
import type { SandboxState } from '../state/state.ts';
import { directoriesOf, moveChildrenIntoCgroupOf } from '../vm/container-cgroup.ts';

export interface ShimTarget {
  readonly sandboxId: string;
  readonly sandbox: SandboxState;
  readonly containerId: string;
  readonly execId: string;
  /** The shim can wait for its process (isWaitingShim). */
  readonly waits: boolean;
  /** The process's arguments. */
  readonly args: readonly string[];
  readonly terminal: boolean;
  /** Path of the terminal that becomes the shim's stdio. */
  readonly console: string | undefined;
  /** True when the caller's own terminal becomes the shim's stdio. */
  readonly attached: boolean;
  readonly namespaces: ShimNamespaces;
  readonly resolvConf?: string | undefined;
  readonly helper?: ShimHelper | undefined;
}

/** Starts the shim of one process, which is ready when it is in the container's cgroup, too. */
export function launchShimFor(context: Context, { sandboxId, sandbox, attached, ...target }: ShimTarget): StartedShim {
  const { configuration, kernel, trace } = context;
  const quiet = target.terminal && !attached && target.console === undefined;
  const { path: binary, enable_debug: debug, confine, enable_tracing } = configuration.shim;
  const tracing = enable_tracing ? trace.environmentOf(sandboxPaths(sandboxId).state) : {};
  const environment = { ...context.environment, ...tracing };
  const isTraced = Object.keys(tracing).length > 0;
  const agentUrl = sandbox.AgentState.URL;
  const oomKills = target.waits ? oomKillsFileIn(directoriesOf(sandboxId, cgroupContainerOf(sandbox))) : undefined;
  const shim = launchShim({ ...target, oomKills, binary, debug, trace: isTraced, confine, agentUrl, quiet, environment }, kernel);
  const pids = [...(target.helper ? [target.helper.started.identity.pid] : []), shim.identity.pid];
  const moved = moveChildrenIntoCgroupOf(context, { sandboxId, id: target.containerId }, pids);
  const ready = moved.then(() => shim.ready);
  ready.catch(() => {}); // reported by the promise
  return { ...shim, ready };
}
