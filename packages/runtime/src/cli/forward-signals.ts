/** `run` and `exec` stand for a process that their caller waits for: as with runc, what is sent to them is for it. */
import { signalProcess } from '@kata-containers/common/process/process-identity';
import type { Started } from '../processes/spawn-apart.ts';

const forwarded = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const;

/** Those that come before the shim is there are delivered once it is: who ended here would leave a VM behind. */
export function forwardSignals(starting: Promise<Started>): void {
  for (const signal of forwarded) {
    process.on(signal, () => {
      starting.then(({ identity }) => signalProcess(identity, signal)).catch(() => {}); // told to who awaits it
    });
  }
}
