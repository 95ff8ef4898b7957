/**
 * The process that the proxy is not to outlive: virtiofsd, when the share is virtio-fs. No other process of ours lives as long
 * as the sandbox and can see its end; without the proxy the shims end, and so the containers.
 */
import { VIRTIOFSD_PIDFD_VARIABLE } from '@kata-containers/common/command-lines/proxy-command-line';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';

/** Never settles without such a process. */
export function virtiofsdEnd(environment: NodeJS.ProcessEnv): Promise<'abandoned'> {
  const { promise, resolve } = Promise.withResolvers<'abandoned'>();
  const pidfd = environment[VIRTIOFSD_PIDFD_VARIABLE];
  if (pidfd === undefined || !/^\d+$/.test(pidfd)) return promise;
  // A pidfd becomes readable when its process ends, and then cannot be read: an error is what we wait for (pidfd_open(2)).
  const stream = openPollableStream(Number(pidfd), { direction: 'read' });
  stream.on('error', () => {}).on('close', () => resolve('abandoned'));
  stream.resume();
  return promise;
}
