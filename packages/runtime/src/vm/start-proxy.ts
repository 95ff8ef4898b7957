/** Starts kata-proxy for a VM. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import type { Context } from '../context/context.ts';
import { asksForConsole } from '../hypervisor/qemu/kernel-parameters.ts';
import { inNetworkNamespace } from '../network/namespace.ts';
import { closeAll } from '../processes/end-process.ts';
import { launchProxy } from '../processes/launch.ts';
import { FIRST_VICTIM, setOomScore } from '../processes/oom-score.ts';
import { openPidfd } from '../processes/open-pidfd.ts';
import type { SpawnedProcess } from '../processes/spawn-detached.ts';
import { failedChild } from './failed-child.ts';
import type { GuestStart, Needed } from './guest-start.ts';
import type { StartedDaemon } from './start-virtiofsd.ts';

/**
 * The proxy ends with virtiofsd, and the shims with the proxy: a sandbox is useless without its files. The proxy is in the network
 * namespace of the VM, because it needs no sockets of the host.
 */
export async function startProxy(
  context: Context,
  { plan, files, netns, journal, forwardsPorts = false }: GuestStart,
  { qemu, daemon }: { readonly qemu: Needed; readonly daemon?: StartedDaemon | undefined },
): Promise<Needed> {
  const { proxy } = context.configuration;
  journal.record({ undo: 'unlink', path: files.proxySocket });
  const pidfds = {
    qemu: openPidfd(context.kernel, qemu.identity),
    virtiofsd: daemon && context.kernel.openPidfd(daemon.identity.pid),
  };
  try {
    const { enable_debug: debug, confine } = proxy;
    const environment = { ...context.environment, ...context.trace.environmentOf(dirname(files.proxySocket)) };
    // The console has one reader. With a shell on it, this is the user.
    const readsConsole = !asksForConsole(context.configuration.hypervisor.kernel_params);
    const options = { debug, readsConsole, confine, forwardsPorts, environment, pidfds };
    const launch = (): SpawnedProcess => launchProxy(proxy.path, plan.sandboxId, files, options);
    const { identity, child } = await inNetworkNamespace(netns, context.kernel, launch);
    journal.recordProcess({ undo: 'kill', name: 'kata-proxy', process: identity });
    setOomScore([identity.pid], FIRST_VICTIM, context.log); // as QEMU, whose memory is released a moment after it was killed
    return { identity, failed: failedChild(child, { name: `kata-proxy (${proxy.path})`, logFile: `${files.vm}/proxy.log` }) };
  } finally {
    closeAll(Object.values(pidfds).filter((fd) => fd !== undefined));
  }
}

/** Starts another proxy for a VM without virtiofsd whose proxy has ended. @throws KernelError */
export function restartProxy(context: Context, start: GuestStart, vm: ProcessIdentity): Promise<Needed> {
  rmSync(start.files.proxySocket, { force: true });
  return startProxy(context, start, { qemu: { identity: vm, failed: new Promise(() => {}) } });
}
