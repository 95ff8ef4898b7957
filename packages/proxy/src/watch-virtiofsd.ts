/**
 * Ends the proxy together with virtiofsd, when the share is virtio-fs. Only the proxy runs as long as the sandbox and can watch virtiofsd.
 * Without the proxy the shims exit, and the containers end.
 */
import { VIRTIOFSD_PIDFD_VARIABLE } from '@kata-containers/common/command-lines/proxy-command-line';
import { processEnd } from '@kata-containers/common/kernel/process-end';

/** Stays pending when the VM has no virtiofsd. */
export async function virtiofsdEnd(environment: NodeJS.ProcessEnv): Promise<'abandoned'> {
  const pidfd = environment[VIRTIOFSD_PIDFD_VARIABLE];
  if (pidfd === undefined || !/^\d+$/.test(pidfd)) return new Promise(() => {});
  await processEnd(Number(pidfd)).ended;
  return 'abandoned';
}
