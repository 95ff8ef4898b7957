/** Starts kata-proxy with 1.x's command line. */
import { closeSync, openSync } from 'node:fs';
import {
  CONSOLE_VARIABLE,
  PORT_FORWARD_VARIABLE,
  QEMU_PIDFD_VARIABLE,
  VIRTIOFSD_PIDFD_VARIABLE,
  buildProxyCommandLine,
} from '@kata-containers/common/command-lines/proxy-command-line';
import { confinementEnvironment } from '@kata-containers/common/confinement/confine-process';
import type { SandboxPaths } from '../context/paths.ts';
import { spawnDetached } from './spawn-detached.ts';
import type { SpawnedProcess } from './spawn-detached.ts';

/** Child processes get a minimal environment: PATH, and no variable that slows the start of a program or changes its behaviour. */
export const childEnvironment = (environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  PATH: environment['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
});

/** Pidfds that a proxy inherits. */
export interface ProxyPidfds {
  /** The proxy logs how this process ended. */
  readonly qemu?: number | undefined;
  /** The proxy ends with this process. */
  readonly virtiofsd?: number | undefined;
}

/** The first fd after stdio. */
const FIRST_FD = 3;

function inheritedPidfds({ qemu, virtiofsd }: ProxyPidfds): { readonly fds: number[]; readonly environment: NodeJS.ProcessEnv } {
  const fds = [qemu, virtiofsd].filter((fd) => fd !== undefined);
  const variables = [...(qemu === undefined ? [] : [QEMU_PIDFD_VARIABLE]), ...(virtiofsd === undefined ? [] : [VIRTIOFSD_PIDFD_VARIABLE])];
  return { fds, environment: Object.fromEntries(variables.map((variable, index) => [variable, String(FIRST_FD + index)])) };
}

/** Starts the sandbox's proxy, with stderr in a file. */
export function launchProxy(
  binary: string,
  sandboxId: string,
  paths: Pick<SandboxPaths, 'proxySocket' | 'agentSocket' | 'consoleSocket' | 'vm'>,
  options: {
    debug: boolean;
    readsConsole: boolean;
    confine: boolean;
    forwardsPorts: boolean;
    environment: NodeJS.ProcessEnv;
    pidfds: ProxyPidfds;
  },
): SpawnedProcess {
  const args = buildProxyCommandLine({
    listenSocket: `unix://${paths.proxySocket}`,
    muxSocket: paths.agentSocket,
    sandbox: sandboxId,
    ...(options.debug && { agentLogsSocket: paths.consoleSocket }),
  });
  const log = openSync(`${paths.vm}/proxy.log`, 'a', 0o600);
  try {
    const { debug, readsConsole, confine, forwardsPorts } = options;
    const inherited = inheritedPidfds(options.pidfds);
    const stdio = ['ignore', 'ignore', log, ...inherited.fds] as const;
    const environment = {
      ...options.environment,
      ...confinementEnvironment(confine),
      ...(forwardsPorts && { [PORT_FORWARD_VARIABLE]: 'on' }),
      ...(!debug && readsConsole && { [CONSOLE_VARIABLE]: paths.consoleSocket }), // with debug it logs the whole console
      ...inherited.environment,
    };
    return spawnDetached({ binary, args, stdio: [...stdio], detached: true, environment });
  } finally {
    closeSync(log);
  }
}
