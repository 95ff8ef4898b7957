/** Starts the shim of a container's first process, and the helper that the shim needs for work outside its confinement (ADR 13). */
import { closeSync } from 'node:fs';
import type { Context } from '../context/context.ts';
import { openConsole } from '../processes/console.ts';
import type { StartedShim } from '../processes/launch-shim.ts';
import { startShimHelper } from '../processes/shim-helper.ts';
import type { HelperCommands, ShimHelper } from '../processes/shim-helper.ts';
import { isWaitingShim } from '../processes/waiting-shim.ts';
import { isFirstContainer } from '../state/sandbox-name.ts';
import { resolvConfSource } from '../storage/share-plan.ts';
import type { CreateRequest } from './create-request.ts';
import { launchShimFor } from './launch-shim-for.ts';
import { oomListener, oomOptions } from './oom-listener.ts';
import type { TargetSandbox } from './target-sandbox.ts';

/** Commands that the helper runs for the shim; empty when the shim needs no helper. */
function helperCommands(context: Context, { id, bundle }: CreateRequest, { sandboxId, isJoined }: TargetSandbox): HelperCommands {
  const { configuration, configurationPath, program, caller } = context;
  // The first container's shim watches the network, and the shim of each container that may keep the network after the first container.
  const isWatcher = isFirstContainer(sandboxId, id) || isJoined === true;
  const isConnected = configuration.runtime.internetworking_model !== 'none';
  const engine = oomListener(caller, bundle);
  return {
    ...(isWatcher && isConnected && { network: [program, '--kata-config', configurationPath, 'kata-network', 'sync', id] }),
    ...(engine && { oom: [program, 'kata-oom', ...oomOptions(engine), id] }),
  };
}

function startHelper(context: Context, request: CreateRequest, target: TargetSandbox): ShimHelper | undefined {
  const commands = helperCommands(context, request, target);
  if (Object.keys(commands).length === 0) return undefined;
  const helper = startShimHelper(commands, context.environment, context.kernel);
  const { identity } = helper.started;
  target.journal.recordProcess({ undo: 'kill', name: 'helper of kata-shim', process: identity, family: true, container: request.id });
  return helper;
}

/** Records the shim and its helper in the journal. @throws KataError */
export function startContainerShim(context: Context, request: CreateRequest, target: TargetSandbox): StartedShim {
  const helper = startHelper(context, request, target);
  try {
    return startShimWith(context, request, target, helper);
  } finally {
    if (helper) closeSync(helper.socket);
  }
}

function startShimWith(context: Context, request: CreateRequest, target: TargetSandbox, helper: ShimHelper | undefined): StartedShim {
  const { id, bundle } = request;
  const terminal = bundle.spec.process?.terminal ?? false;
  const terminalPath = openConsole({ terminal, ...request }, context.kernel);
  const { sandboxId, sandbox } = target;
  const started = launchShimFor(context, {
    sandboxId,
    sandbox,
    containerId: id,
    execId: id,
    waits: isWaitingShim(context.configuration.shim.path),
    args: bundle.spec.process?.args ?? [],
    terminal,
    console: terminalPath,
    attached: request.attached,
    namespaces: { network: sandbox.Network.NetNsPath },
    resolvConf: isFirstContainer(sandboxId, id) ? resolvConfSource(bundle.spec.mounts ?? []) : undefined, // docker's resolver also ends with this container
    helper,
  });
  target.journal.recordProcess({ undo: 'kill', name: 'kata-shim', process: started.identity, container: id });
  return started;
}
