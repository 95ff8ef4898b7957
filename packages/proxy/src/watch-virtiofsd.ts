/**
 * The process that the proxy is not to outlive: virtiofsd, when the share is virtio-fs. No other process of ours lives as long
 * as the sandbox and can see its end; without the proxy the shims end, and so the containers.
 */
import { VIRTIOFSD_PIDFD_VARIABLE } from '@kata-containers/common/command-lines/proxy-command-line';
import { processEnd } from '@kata-containers/common/kernel/process-end';

/** Never settles without such a process. */
export async function virtiofsdEnd(environment: NodeJS.ProcessEnv): Promise<'abandoned'> {
  const pidfd = environment[VIRTIOFSD_PIDFD_VARIABLE];
  if (pidfd === undefined || !/^\d+$/.test(pidfd)) return new Promise(() => {});
  await processEnd(Number(pidfd)).ended;
  return 'abandoned';
}
