/** What the first shim of a sandbox does beside its process: it lives as long as that, in the sandbox's network namespace. */
import type { SandboxDuties } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';

/** `agentPath`: kata-proxy's socket. What is not needed is not loaded. */
export async function serveSandbox(agentPath: string, { resolvConf }: SandboxDuties, log: Logger): Promise<void> {
  if (resolvConf === undefined) return;
  const { watchResolvConf } = await import('./dns/watch-resolv-conf.ts');
  const relay = async (): Promise<void> => {
    const { relayDns } = await import('./dns/relay-dns.ts');
    relayDns(agentPath, log);
  };
  const onDockerResolver = (): void =>
    void relay().catch((error: unknown) => log.error('names of docker are not resolved', { reason: errorMessage(error) }));
  watchResolvConf(resolvConf, onDockerResolver, log);
}
