/**
 * Every key of configuration.toml in one table: parsing, defaults, the shipped file and its documentation come from here.
 * To add a key: add a row; `Configuration` picks its type up. Names, tables and defaults are 1.x's (configuration-qemu.toml).
 */

export type KeyKind = 'string' | 'boolean' | 'integer' | 'strings';
type ValueOf<K extends KeyKind> = K extends 'string'
  ? string
  : K extends 'boolean'
    ? boolean
    : K extends 'integer'
      ? number
      : readonly string[];

export interface Key<K extends KeyKind = KeyKind> {
  readonly kind: K;
  readonly default: ValueOf<K>;
  readonly description: string;
  /** The value names a file that must exist when it is not empty. */
  readonly mustExist?: boolean;
  readonly oneOf?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  /** A key of 1.x that is read and does nothing: why. */
  readonly withoutEffect?: string;
}

type Extra = Omit<Key, 'kind' | 'default' | 'description' | 'withoutEffect'>;
const text = (value: string, description: string, extra: Extra = {}): Key<'string'> => ({
  kind: 'string',
  default: value,
  description,
  ...extra,
});
const flag = (value: boolean, description: string): Key<'boolean'> => ({ kind: 'boolean', default: value, description });
const count = (value: number, description: string, extra: Extra = {}): Key<'integer'> => ({
  kind: 'integer',
  default: value,
  description,
  minimum: 0,
  ...extra,
});
const list = (value: readonly string[], description: string): Key<'strings'> => ({ kind: 'strings', default: value, description });

/** A key of 1.x that does nothing here. Setting it to anything else than its default is told as a warning. */
function idle(value: boolean, withoutEffect: string): Key<'boolean'>;
function idle(value: string, withoutEffect: string): Key<'string'>;
function idle(value: number, withoutEffect: string): Key<'integer'>;
function idle(value: readonly string[], withoutEffect: string): Key<'strings'>;
function idle(value: Key['default'], withoutEffect: string): Key {
  const kinds = { boolean: 'boolean', string: 'string', number: 'integer', object: 'strings' } as const;
  return { kind: kinds[typeof value as keyof typeof kinds], default: value, description: 'Has no effect.', withoutEffect };
}

const NO_VFIO = 'devices of the host are not passed through';
const NO_TRACING = 'there are no traces';
const OTHER_VMM = 'the hypervisor is QEMU';

const hypervisor = {
  path: text('/usr/bin/qemu-system-x86_64', 'QEMU binary.', { mustExist: true }),
  valid_hypervisor_paths: list(['/usr/bin/qemu-system-x86_64'], 'Paths, with * and ?, that the annotation `path` may name.'),
  enable_annotations: list(
    [],
    'Which annotations io.katacontainers.config.hypervisor.NAME of a pod or container may change this table for its VM: regular\n' +
      'expressions, of which one must be found in NAME. Whoever may set annotations can with ".*" name any file of the host as\n' +
      "the guest's image, and so read it: list only what is needed.",
  ),
  kernel: text('/usr/share/kata-containers/vmlinuz.container', 'Guest kernel.', { mustExist: true }),
  image: text('/usr/share/kata-containers/kata-containers.img', 'Guest image. Either image or initrd.', { mustExist: true }),
  initrd: text('', 'Guest initrd. Either image or initrd.', { mustExist: true }),
  machine_type: text('pc', 'QEMU machine type.', { oneOf: ['pc', 'q35'] }),
  accelerator: text('auto', 'kvm, tcg, or auto: KVM when a guest really boots with it, else emulation, which is many times slower.', {
    oneOf: ['auto', 'kvm', 'tcg'],
  }),
  kernel_params: text('', 'Words appended to the guest kernel command line.'),
  firmware: text('', 'Firmware given to QEMU as -bios.', { mustExist: true }),
  machine_accelerators: text('', 'Words appended to -machine.'),
  cpu_features: text('pmu=off', 'Words appended to -cpu.'),
  default_vcpus: count(1, 'Virtual CPUs a VM starts with. Below 1: as many as the host has.', { minimum: -1 }),
  default_maxvcpus: count(0, 'Most virtual CPUs a VM can be given. 0: as many as the host has.', { maximum: 240 }),
  default_bridges: count(1, 'PCI bridges for hot-plugged devices.', { maximum: 5 }),
  default_memory: count(2048, 'Memory a VM starts with, in MiB.'),
  memory_slots: count(10, 'Slots for hot-plugged memory.'),
  memory_offset: count(0, 'MiB added to the largest memory a VM can get; memory-mapped volumes need it.'),
  disable_block_device_use: flag(
    false,
    'Share root file systems that are on a block device instead of plugging it, and refuse block devices as volumes.',
  ),
  block_device_driver: text('virtio-scsi', 'As what block devices of the host are plugged.', {
    oneOf: ['virtio-scsi', 'virtio-blk', 'nvdimm'],
  }),
  block_device_cache_set: flag(
    false,
    "Let the next two keys decide how QEMU uses the host's cache for block devices. Otherwise QEMU does.",
  ),
  block_device_cache_direct: flag(false, "Past the host's page cache (O_DIRECT)."),
  block_device_cache_noflush: flag(false, 'Ignore that the guest wants what it wrote to be on the device. A host that crashes loses data.'),
  shared_fs: text(
    'virtio-9p',
    'How host directories reach the guest. virtio-fs needs the daemon virtiofsd; its VMs are booted, never cloned.',
    { oneOf: ['virtio-9p', 'virtio-fs'] },
  ),
  virtio_fs_daemon: text(
    '',
    'virtiofsd of QEMU 4.2 to 7 or the one in Rust. Empty: the first that there is of\n' +
      '/usr/libexec/virtiofsd, /usr/lib/qemu/virtiofsd and /usr/bin/virtiofsd.',
  ),
  valid_virtio_fs_daemon_paths: list([], 'Paths, with * and ?, that the annotation `virtio_fs_daemon` may name.'),
  virtio_fs_cache: text('auto', 'What the guest keeps of files: none, auto (for a second) or always. Empty: none.', {
    oneOf: ['', 'none', 'auto', 'always'],
  }),
  virtio_fs_cache_size: count(
    0,
    'MiB of a window through which the guest maps files (DAX). 0: none. Needs a QEMU with it, which no distribution has.',
  ),
  virtio_fs_extra_args: list([], 'Words appended to the command line of virtiofsd. No annotation changes them.'),
  msize_9p: count(512000, 'Largest 9p message, in bytes.', { minimum: 4096, maximum: 1048576 }),
  enable_debug: flag(false, "Keep QEMU's log and let the guest kernel speak."),
  disable_nesting_checks: flag(false, 'Do not adapt to being a VM ourselves.'),
  disable_image_nvdimm: flag(false, 'Attach the image as a virtio block device instead of an NVDIMM.'),
  disable_vhost_net: flag(false, 'Do not use vhost-net even when the host has it.'),
  entropy_source: text('/dev/urandom', "Source of the guest's randomness.", { mustExist: true }),
  enable_mem_prealloc: flag(false, "Take all of a VM's memory from the host at its start. Such a VM is booted, never cloned."),
  enable_hugepages: flag(false, 'Guest memory in huge pages of /dev/hugepages. Such a VM is booted, never cloned.'),
  file_mem_backend: text('', 'Directory of a file system that guest memory is in, shared. Such a VM is booted, never cloned.', {
    mustExist: true,
  }),
  valid_file_mem_backends: list([], 'Paths, with * and ?, that the annotation `file_mem_backend` may name.'),
  enable_swap: flag(false, "Tell QEMU that its memory may be swapped, which is the host's default too."),
  enable_iothreads: flag(false, 'A thread of its own for block devices on the SCSI controller.'),
  pflashes: list([], 'Files given to QEMU as -pflash.'),
  guest_hook_path: text('', 'Directory in the guest with hooks (prestart, poststart, poststop below it) that are run for each container.'),
  enable_virtio_mem: idle(false, 'memory is hot-plugged as DIMMs'),
  enable_vhost_user_store: idle(false, 'vhost-user devices are not handed over'),
  vhost_user_store_path: idle('/var/run/kata-containers/vhost-user', 'vhost-user devices are not handed over'),
  valid_vhost_user_store_paths: idle([], 'vhost-user devices are not handed over'),
  enable_iommu: idle(false, NO_VFIO),
  enable_iommu_platform: idle(false, NO_VFIO),
  hotplug_vfio_on_root_bus: idle(false, NO_VFIO),
  pcie_root_port: idle(0, NO_VFIO),
  use_vsock: idle(false, 'the agent is reached over a virtio serial port and kata-proxy'),
  jailer_path: idle('', OTHER_VMM),
  valid_jailer_paths: idle([], OTHER_VMM),
  ctlpath: idle('', OTHER_VMM),
  valid_ctlpaths: idle([], OTHER_VMM),
} as const;

const proxy = {
  path: text('/usr/libexec/kata-containers/kata-proxy', 'kata-proxy binary.', { mustExist: true }),
  enable_debug: flag(false, "Log the proxy's doings and the guest's console."),
} as const;

const shim = {
  path: text('/usr/libexec/kata-containers/kata-shim', 'kata-shim binary.', { mustExist: true }),
  enable_debug: flag(false, "Log the shim's doings."),
  enable_tracing: idle(false, NO_TRACING),
} as const;

const agent = {
  enable_debug: flag(false, "Log the agent's doings on the guest's console."),
  kernel_modules: list([], 'Guest kernel modules to load, each as "name parameter=value …".'),
  enable_tracing: idle(false, NO_TRACING),
  trace_mode: idle('dynamic', NO_TRACING),
  trace_type: idle('isolated', NO_TRACING),
} as const;

const runtime = {
  enable_debug: flag(false, "Log the runtime's doings."),
  internetworking_model: text(
    'tcfilter',
    'How the VM is joined to the network namespace: tcfilter (which default is too) moves traffic between each link and a tap;\n' +
      'macvtap puts a tap on each link, which loses its addresses to the guest; none leaves the VM without network.',
    { oneOf: ['default', 'tcfilter', 'macvtap', 'none'] },
  ),
  sandbox_cgroup_only: flag(
    false,
    'Hold a sandbox as a whole, with all that its VM costs, to the limits of the container that it was made for. Otherwise only the\n' +
      "VM's processors are held to the containers' limits.",
  ),
  disable_guest_seccomp: flag(true, 'Do not apply seccomp profiles inside the guest.'),
  enable_tracing: idle(false, NO_TRACING),
  disable_new_netns: idle(false, 'QEMU is always started in a network namespace'),
  enable_agent_pidns: idle(false, 'whether containers share their processes is what their pod asks for'),
  experimental: idle([], 'there are no experimental features'),
} as const;

const factory = {
  enable_template: flag(
    true,
    'Start VMs as clones of one that has booted already: in a fraction of the time, and with memory that they share. The first\n' +
      'container makes the template. The price: clones have the same layout of addresses in their kernel and agent, so that who\n' +
      'learns it in one VM knows it in all; each gets fresh entropy and its own clock before anything runs. Set to false to\n' +
      'boot each VM.',
  ),
  template_path: text('/run/vc/vm/template', 'Where templates are kept: a tmpfs is mounted there unless something is.'),
  vm_cache_number: count(
    0,
    "VMs that a server ('kata-runtime factory init', which stays) keeps ready, so that a container need not wait for one. Each takes\n" +
      'memory while it waits. 0: none.',
    { maximum: 100 },
  ),
  vm_cache_endpoint: text('/var/run/kata-containers/cache.sock', 'Unix socket of that server.'),
} as const;

/** Table name in the file → its keys. */
export const schema = {
  'hypervisor.qemu': hypervisor,
  'proxy.kata': proxy,
  'shim.kata': shim,
  'agent.kata': agent,
  runtime,
  factory,
} as const;

type Table<T extends Readonly<Record<string, Key>>> = { readonly [K in keyof T]: ValueOf<T[K]['kind']> };
export type HypervisorConfiguration = Table<typeof hypervisor>;
export interface Configuration {
  readonly hypervisor: HypervisorConfiguration;
  readonly proxy: Table<typeof proxy>;
  readonly shim: Table<typeof shim>;
  readonly agent: Table<typeof agent>;
  readonly runtime: Table<typeof runtime>;
  readonly factory: Table<typeof factory>;
}

/** Tables of 1.x that this version reads nothing from: they are accepted in silence. */
export const ignoredTables: readonly string[] = ['netmon'];
