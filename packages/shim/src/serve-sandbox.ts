/** Tasks of a sandbox's first shim, which runs as long as the sandbox, in its network namespace. */
import type { ShimDuties } from '@kata-containers/common/command-lines/shim-command-line';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { connectUnix } from '@kata-containers/common/kernel/unix-connection';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { RuntimeHelper } from './runtime-helper.ts';

export interface SandboxPlace {
  /** kata-proxy's socket. */
  readonly agentPath: string;
  readonly helper: RuntimeHelper | undefined;
  readonly kernel: Kernel;
}

async function relayNames(resolvConf: string, { agentPath, kernel }: SandboxPlace, log: Logger): Promise<void> {
  // Connects before the connection is needed: a confined process cannot connect by a path.
  const connection = connectUnix(agentPath);
  connection.on('error', (error) => log.info('the DNS relay lost its connection', { reason: errorMessage(error) }));
  const { watchResolvConf } = await import('./dns/watch-resolv-conf.ts');
  const relay = async (): Promise<void> => {
    const { relayDns } = await import('./dns/relay-dns.ts');
    relayDns(connection, log);
  };
  const onDockerResolver = (): void =>
    void relay().catch((error: unknown) => log.error("docker's names are not resolved", { reason: errorMessage(error) }));
  watchResolvConf(resolvConf, onDockerResolver, kernel, log);
}

/** Starts the tasks. Code that is not needed is not loaded; failures are logged and do not end the process. */
export async function serveSandbox(place: SandboxPlace, duties: ShimDuties, log: Logger): Promise<void> {
  const { helper, kernel } = place;
  const { resolvConf, requests } = duties;
  try {
    if (resolvConf !== undefined) await relayNames(resolvConf, place, log);
  } catch (error) {
    log.error("docker's names are not resolved", { reason: errorMessage(error) });
  }
  if (!helper || !requests.includes('network')) return;
  try {
    const { watchNetwork } = await import('./watch-network.ts');
    watchNetwork(helper, kernel, log);
  } catch (error) {
    log.error('changes of the network are not noticed', { reason: errorMessage(error) });
  }
}
