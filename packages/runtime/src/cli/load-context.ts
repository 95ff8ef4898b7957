import { readFileSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { openSyslog } from '@kata-containers/common/logging/syslog';
import { defaultConfigurationPaths } from '../configuration/default-paths.ts';
import { loadConfiguration } from '../configuration/load-configuration.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import { childEnvironment } from '../processes/launch.ts';
import type { Context } from '../context/context.ts';
import type { VerbTrace } from '../tracing/verb-trace.ts';
import { installPrefix } from './install-prefix.ts';
import type { OpenedLog } from './open-log.ts';
import { textOption } from './input/verb.ts';
import type { Host, Options } from './input/verb.ts';

/** @throws ConfigurationError with every problem of the files */
export const loadFiles = (globals: Options, host: Host): LoadedConfiguration =>
  loadConfiguration(textOption(globals, 'kataConfig'), defaultConfigurationPaths(installPrefix(host.program)));

function parentArgs(): string[] {
  try {
    return readFileSync(`/proc/${process.ppid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

export interface ContextRequest {
  readonly globals: Options;
  readonly host: Host;
  readonly opened: OpenedLog;
  readonly trace: VerbTrace;
}

/** @throws ConfigurationError with every problem of the files */
export async function loadContext({ globals, host, opened: { log, configure }, trace }: ContextRequest): Promise<Context> {
  const { path, configuration, warnings } = loadFiles(globals, host);
  configure({ debug: configuration.runtime.enable_debug, copy: openSyslog('kata-runtime') });
  for (const warning of warnings) log.warn(warning, { configuration: path });
  const { enable_tracing, trace_endpoint: endpoint } = configuration.runtime;
  if (enable_tracing) await trace.enable({ endpoint, agent: configuration.agent.enable_tracing });
  return {
    configuration,
    configurationPath: path,
    program: host.program,
    log,
    trace,
    kernel: linuxKernel,
    environment: childEnvironment(host.environment),
    caller: {
      environment: host.environment,
      get args() {
        return parentArgs(); // for create only
      },
    },
  };
}
