/** Checks whether this host can run VMs, with 1.x's log records, which are quoted exactly (kata-check.go). */
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { isVirtualMachine } from './accelerator.ts';
import type { HostFiles } from './host-files.ts';
import { hasFlag, parseCpuinfo } from './parse-cpuinfo.ts';
import { requirementsFor } from './requirements.ts';
import type { ModuleRequirement, Requirements } from './requirements.ts';

export const INCAPABLE = 'ERROR: System is not capable of running Kata Containers';

export interface CheckedHost {
  readonly files: HostFiles;
  /** Node's process.arch. */
  readonly architecture: string;
  readonly isRoot: boolean;
  /** Runs modprobe(8). @returns its message when it failed */
  readonly loadModule: (name: string) => string | undefined;
}

/** @returns how many required flags are missing in `text` */
function checkFlags(type: string, text: string, required: Readonly<Record<string, string>>, log: Logger): number {
  const missing = Object.entries(required).filter(([name, description]) => {
    const found = hasFlag(text, name);
    const fields = { type, name, description };
    if (found) log.info('CPU property found', fields);
    else log.error('CPU property not found', fields);
    return !found;
  });
  return missing.length;
}

function isLoaded(name: string, { files, isRoot, loadModule }: CheckedHost, log: Logger): boolean {
  if (files.exists(`/sys/module/${name}`)) return true;
  if (!isRoot) {
    log.error('Module is not loaded and it can not be inserted. Please consider running with sudo or as root', { module: name });
    return false;
  }
  const output = loadModule(name);
  if (output !== undefined) log.warn('modprobe insert module failed', { module: name, output });
  return output === undefined;
}

/** Checks a parameter; `unrestricted_guest` is optional in nested VMs, and `nested` is always optional. */
function checkParameter(fields: Record<string, string>, expected: string, isNested: boolean, log: Logger): boolean {
  const { parameter, value } = fields;
  if (value === expected) {
    log.info('Kernel property value correct', fields);
    return true;
  }
  const wrong = { ...fields, expected };
  if (parameter === 'unrestricted_guest' && isNested) log.warn('Kernel property value correct', wrong);
  else if (parameter === 'nested') log.warn('kernel module parameter has unexpected value', wrong);
  else {
    log.error('kernel module parameter has unexpected value', wrong);
    return false;
  }
  return true;
}

interface CheckedModule extends ModuleRequirement {
  readonly name: string;
  /** True on a host that is a VM itself. */
  readonly isNested: boolean;
}

/** Number of failed requirements of one module. */
function checkModule(module: CheckedModule, host: CheckedHost, log: Logger): number {
  const { name, isNested, description, optional = false, parameters = {} } = module;
  const fields = { type: 'module', name, description };
  if (!isLoaded(name, host, log)) {
    log.error('kernel property not found', fields);
    return optional ? 0 : 1;
  }
  log.info('kernel property found', fields);
  const wrong = Object.entries(parameters).filter(([parameter, expected]) => {
    const value = host.files.read(`/sys/module/${name}/parameters/${parameter}`).trimEnd();
    return !checkParameter({ ...fields, parameter, value }, expected, isNested, log);
  });
  return wrong.length;
}

/** @throws KataError for a CPU that 1.x does not support */
export function hostRequirements({ files, architecture }: CheckedHost): Requirements {
  const requirements = requirementsFor(architecture, files.read('/proc/cpuinfo'));
  if (!requirements) throw new KataError('Unknow CPU Type');
  return requirements;
}

/** Looks at everything before it fails. @throws KataError when the host is not capable */
export function checkHost(host: CheckedHost, log: Logger): void {
  const requirements = hostRequirements(host);
  const file = host.files.read('/proc/cpuinfo');
  const cpu = parseCpuinfo(file);
  if (!cpu) throw new KataError('Cannot determine CPU details');
  const flags = cpu.fields['flags'] ?? cpu.fields['Features'] ?? '';
  if (flags === '') throw new KataError('Cannot find CPU flags');
  const isNested = isVirtualMachine(file);
  const counts = [
    checkFlags('attribute', cpu.text, requirements.attributes, log),
    checkFlags('flag', flags, requirements.flags, log),
    ...Object.entries(requirements.modules).map(([name, module]) => checkModule({ ...module, name, isNested }, host, log)),
  ];
  if (counts.some((count) => count > 0)) throw new KataError(INCAPABLE);
}
