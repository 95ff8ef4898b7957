/** Facts about the machine for `kata-env`, from files alone. */
import { silentLogger } from '@kata-containers/common/logging/logger';
import { checkHost } from './check-host.ts';
import type { CheckedHost } from './check-host.ts';
import { UNKNOWN } from './environment-info.ts';
import type { HostFacts } from './environment-info.ts';
import { goArchitecture } from './go-architecture.ts';
import type { HostFiles } from './host-files.ts';
import { parseCpuinfo } from './parse-cpuinfo.ts';

/** os-release(5): shell values, quoted or plain. */
function osRelease(files: HostFiles): (key: string) => string {
  const path = ['/etc/os-release', '/usr/lib/os-release'].find((candidate) => files.exists(candidate));
  const text = path === undefined ? '' : files.read(path);
  return (key) => new RegExp(`^${key}=["']?(.*?)["']?$`, 'm').exec(text)?.[1] ?? UNKNOWN;
}

function isCapable(host: CheckedHost): boolean {
  try {
    checkHost(host, silentLogger);
    return true;
  } catch {
    return false;
  }
}

export function readHost({ files, architecture }: Pick<CheckedHost, 'files' | 'architecture'>): HostFacts {
  const distro = osRelease(files);
  const cpu = parseCpuinfo(files.read('/proc/cpuinfo'))?.fields ?? {};
  return {
    kernel: files.read('/proc/version').split(' ')[2] ?? UNKNOWN,
    architecture: goArchitecture(architecture),
    distroName: distro('NAME'),
    distroVersion: distro('VERSION_ID'),
    cpuVendor: cpu['vendor_id'] ?? cpu['CPU implementer'] ?? UNKNOWN,
    cpuModel: cpu['model name'] ?? cpu['CPU architecture'] ?? UNKNOWN,
    // The check must not load the module.
    isCapable: isCapable({ files, architecture, isRoot: false, loadModule: () => '' }),
    hasVsock: files.exists('/dev/vhost-vsock'),
  };
}
