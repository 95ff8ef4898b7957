/** The parts of the confinement, and the setting of configuration.toml that disables each. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

interface Part {
  /** What fails on a host that does not support the part. */
  readonly failure: string;
  /** The setting that disables the part. */
  readonly setting: string;
  readonly purpose: string;
}

const table = 'in [hypervisor.qemu]';
const confinementOf = (name: 'proxy' | 'shim'): Part => ({
  failure: `kata-${name} cannot be confined`,
  setting: `confine = false in [${name}.kata]`,
  purpose: 'to run it unconfined',
});

export const confinementParts = {
  seccomp: {
    failure: 'the system calls of QEMU cannot be filtered',
    setting: `seccompsandbox = "" ${table}`,
    purpose: 'to run without the filter',
  },
  ownRoot: {
    failure: 'QEMU cannot have a root directory and namespaces of its own',
    setting: `qemu_own_root = false ${table}`,
    purpose: 'to run without them',
  },
  capabilities: {
    failure: 'the capabilities of QEMU cannot be limited',
    setting: `qemu_capabilities = ["ALL"] ${table}`,
    purpose: 'to run without the limit',
  },
  user: {
    failure: 'QEMU cannot have a user of its own',
    setting: `qemu_unprivileged = false ${table}`,
    purpose: 'to run it as root',
  },
  devices: {
    failure: 'the devices of QEMU cannot be limited',
    setting: `qemu_device_cgroup = false ${table}`,
    purpose: 'to run without the limit',
  },
  threads: {
    failure: 'the threads of QEMU cannot be limited',
    setting: `qemu_pids_cgroup = false ${table}`,
    purpose: 'to run without the limit',
  },
  virtiofsd: {
    failure: 'virtiofsd cannot have namespaces of its own',
    setting: `virtio_fs_sandbox = "chroot" ${table}`,
    purpose: 'to run without them',
  },
  proxy: confinementOf('proxy'),
  shim: confinementOf('shim'),
} as const satisfies Readonly<Record<string, Part>>;

export type ConfinementPart = keyof typeof confinementParts;

/** How to disable a part. */
export function disabling(part: ConfinementPart): string {
  const { setting, purpose } = confinementParts[part];
  return `set ${setting} ${purpose}`;
}

function failureOf(part: ConfinementPart, error: unknown): KataError {
  return new KataError(`${confinementParts[part].failure} (${errorMessage(error)}); ${disabling(part)}`, { cause: error });
}

/** Runs `act`, which applies a part. @throws KataError that names the part's setting when `act` fails */
export function applyPart<T>(part: ConfinementPart, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw failureOf(part, error);
  }
}

/** As `applyPart`, for an asynchronous `act`. */
export async function applyPartLater<T>(part: ConfinementPart, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw failureOf(part, error);
  }
}
