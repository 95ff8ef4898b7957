/** The parameters `agent.*` of the kernel command line (kata-agent's config.go). Pure. */
import { debugConsoleParameter, debugShellParameter } from '@kata-containers/common/agent-api/guest-processes';
import { parseDuration } from '@kata-containers/common/command-lines/parse-duration';
import { parseLevel } from '@kata-containers/common/logging/logger';
import type { Level } from '@kata-containers/common/logging/logger';

export interface KernelOptions {
  readonly logLevel: Level;
  readonly devmode: boolean;
  readonly debugConsole: boolean;
  /** The host may run processes beside the containers. */
  readonly debugShell: boolean;
  /** Milliseconds that a hot-plugged device may take to appear. */
  readonly hotplugTimeoutMs: number;
  readonly unifiedCgroups: boolean;
  /** Bytes of the pipes of a container's stdio; 0 for the default. */
  readonly containerPipeSize: number;
  readonly warnings: readonly string[];
}

type Mutable = { -readonly [K in keyof KernelOptions]: KernelOptions[K] };
type Option = (value: string, options: Mutable) => boolean;

const isTrue = (value: string): boolean => /^(1|t|T|true|TRUE|True)$/.test(value);
/** Accepted without effect: the channel is always the serial port, vsock is not supported, and callers ask for the trace of a request. */
const ignored: Option = () => true;

const known: Readonly<Record<string, Option>> = {
  'agent.log': (value, options) => {
    const level = parseLevel(value);
    if (level) options.logLevel = level;
    return level !== undefined;
  },
  'agent.devmode': (_, options) => {
    options.devmode = true;
    return true;
  },
  [debugConsoleParameter]: (_, options) => {
    options.debugConsole = true;
    return true;
  },
  [debugShellParameter]: (_, options) => {
    options.debugShell = true;
    return true;
  },
  'agent.hotplug_timeout': (value, options) => {
    const milliseconds = parseDuration(value);
    if (milliseconds) options.hotplugTimeoutMs = milliseconds;
    return milliseconds !== undefined;
  },
  'agent.unified_cgroup_hierarchy': (value, options) => {
    options.unifiedCgroups = isTrue(value);
    return true;
  },
  'agent.container_pipe_size': (value, options) => {
    options.containerPipeSize = Number(value);
    return /^\d+$/.test(value);
  },
  'agent.use_vsock': ignored,
  'agent.trace': ignored,
  'agent.log_vport': ignored,
  'agent.debug_console_vport': ignored,
};

/** Never throws: an invalid option is a warning, because no caller could receive an error. */
export function parseKernelOptions(commandLine: string): KernelOptions {
  const warnings: string[] = [];
  const options: Mutable = {
    logLevel: 'info',
    devmode: false,
    debugConsole: false,
    debugShell: false,
    hotplugTimeoutMs: 3000,
    unifiedCgroups: false,
    containerPipeSize: 0,
    warnings,
  };
  for (const parameter of commandLine.trim().split(/\s+/)) {
    const [, name = parameter, value = ''] = /^([^=]+)=(.*)$/.exec(parameter) ?? [];
    if (!name.startsWith('agent.')) continue;
    const option = known[name];
    if (!option) warnings.push(`unknown kernel option ${name}`);
    else if (!option(value, options)) warnings.push(`kernel option ${parameter} cannot be parsed`);
  }
  return options;
}
