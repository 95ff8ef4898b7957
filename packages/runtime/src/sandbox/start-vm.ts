/** Starts the VM in the sandbox' network namespace, where QEMU opens its taps by name. */
import { setTimeout as sleep } from 'node:timers/promises';
import { HypervisorError } from '@kata-containers/common/errors/kata-error';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { followConsole } from '../hypervisor/qemu/console-tail.ts';
import type { ConsoleTail } from '../hypervisor/qemu/console-tail.ts';
import { qemuCommandLine } from '../hypervisor/qemu/command-line.ts';
import type { Accelerator, QemuPlan } from '../hypervisor/qemu/command-line.ts';
import { planVm } from '../hypervisor/qemu/plan-vm.ts';
import { openMonitor, startQemu } from '../hypervisor/qemu/qemu-process.ts';
import type { StartedQemu } from '../hypervisor/qemu/qemu-process.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { QMP_TIMEOUT_MS, guestTimeout } from './context.ts';
import type { Context } from './context.ts';
import type { SandboxRequest } from './create-sandbox.ts';
import { sandboxPaths } from './paths.ts';
import type { SandboxNetwork } from './sandbox-network.ts';

export interface VmStart extends SandboxRequest {
  readonly accelerator: Accelerator;
  readonly network: SandboxNetwork;
}

export interface RunningVm {
  readonly identity: ProcessIdentity;
  readonly uuid: string;
  readonly accelerator: Accelerator;
  /** Ends with an error when QEMU does. */
  readonly failed: Promise<never>;
  /** Rethrows an error of the boot together with what the guest said last. */
  explain(error: unknown): never;
  /** Lets go of the console. */
  release(): void;
}

const END_MS = 200;

/** With proxy debug the proxy reads the console, and a console has one reader. */
function follow(context: Context, plan: QemuPlan): ConsoleTail | undefined {
  return context.configuration.proxy.enable_debug ? undefined : followConsole(plan.paths.consoleSocket);
}

function runningVm(plan: QemuPlan, started: StartedQemu, tail: ConsoleTail | undefined): RunningVm {
  return {
    identity: started.identity,
    uuid: plan.uuid,
    accelerator: plan.accelerator,
    failed: started.failed,
    explain(error) {
      const words = tail?.lastWords() ?? '';
      throw new HypervisorError('the guest did not come up', words === '' ? '' : `the guest said last: ${words}`, { cause: error });
    },
    release: () => tail?.close(),
  };
}

/** A monitor breaks when QEMU ends: then its end is the error, and is known a moment later. */
async function endOf(started: StartedQemu, error: unknown): Promise<never> {
  await Promise.race([started.failed, sleep(END_MS)]);
  throw error;
}

/** @throws HypervisorError with QEMU's last words when it does not start */
export async function startVm(context: Context, request: VmStart): Promise<RunningVm> {
  const { hypervisor, agent } = context.configuration;
  const paths = sandboxPaths(request.id);
  const plan = planVm(hypervisor, {
    sandboxId: request.id,
    accelerator: request.accelerator,
    networks: request.network.networks,
    sharedDirectory: paths.shared,
    paths,
    agentDebug: agent.enable_debug,
  });
  const words = qemuCommandLine(plan);
  context.log.debug('starting QEMU', { words: words.join(' ') });
  const started = await inNetworkNamespace(request.network.path, context.kernel, () =>
    startQemu(plan.binary, words, paths.qemuLog, context.environment),
  );
  request.journal.record({ undo: 'kill', name: 'qemu', process: started.identity });
  const opening = openMonitor(paths.qmpSocket, guestTimeout(QMP_TIMEOUT_MS, request.accelerator));
  const monitor = await Promise.race([opening, started.failed]).catch((error: unknown) => endOf(started, error));
  monitor.close();
  return runningVm(plan, started, follow(context, plan));
}
