/**
 * Every key of configuration.toml in one table: parsing, defaults, the shipped file and its documentation are derived from this table. To
 * add a key, add a row; the type `Configuration` includes it. Names, tables and defaults are 1.x's (configuration-qemu.toml).
 */

import { count, flag, idle, list, text } from './key.ts';
import type { Key, ValueOf } from './key.ts';

const NO_VFIO = 'devices of the host are not passed through';
const ONE_TRACE = "the agent's spans are always part of the trace of the command that calls it";
const OTHER_VMM = 'the hypervisor is QEMU';

/** QEMU of this project, of Debian and Fedora, and of RHEL. */
const QEMU_PLACES = ['/usr/bin/qemu-lite-system-x86_64', '/usr/bin/qemu-system-x86_64', '/usr/libexec/qemu-kvm'];

const hypervisor = {
  path: text('', `QEMU binary. Empty: the first that exists of\n${QEMU_PLACES.join(', ')}.`, { mustExist: true, places: QEMU_PLACES }),
  valid_hypervisor_paths: list(QEMU_PLACES, 'Paths, with * and ?, that the annotation `path` may name.'),
  enable_annotations: list(
    [],
    'Regular expressions: the annotation io.katacontainers.config.hypervisor.NAME of a pod or container changes this table for\n' +
      'its VM if one of them matches a part of NAME. With ".*" a user who may set annotations can name any file of the host as\n' +
      "the guest's image and read it: list only the names that you need.",
  ),
  kernel: text('/usr/share/kata-containers/vmlinuz.container', 'Guest kernel.', { mustExist: true }),
  image: text('/usr/share/kata-containers/kata-containers.img', 'Guest image. Either image or initrd.', { mustExist: true }),
  initrd: text('', 'Guest initrd. Either image or initrd.', { mustExist: true }),
  machine_type: text('pc', 'QEMU machine type.', { oneOf: ['pc', 'q35'] }),
  accelerator: text(
    'auto',
    'kvm, tcg (emulation), or auto: KVM if a test guest boots with it, else emulation, which is many times slower.',
    { oneOf: ['auto', 'kvm', 'tcg'] },
  ),
  kernel_params: text('', 'Parameters appended to the guest kernel command line.'),
  firmware: text('', 'Firmware given to QEMU as -bios.', { mustExist: true }),
  machine_accelerators: text('', 'Options appended to -machine.'),
  cpu_features: text('pmu=off', 'Options appended to -cpu.'),
  default_vcpus: count(1, 'vCPUs that a VM starts with. Below 1: as many as the host has CPUs.', { minimum: -1 }),
  default_maxvcpus: count(0, 'Maximum number of vCPUs of a VM. 0: as many as the host has CPUs.', { maximum: 240 }),
  default_bridges: count(1, 'PCI bridges for hot-plugged devices.', { maximum: 5 }),
  default_memory: count(2048, 'Memory that a VM starts with, in MiB. 0: 2048.', { minimum: 256, special: 0, unit: 'MiB' }),
  memory_slots: count(10, 'Slots for hot-plugged memory.'),
  memory_offset: count(0, 'MiB added to the maximum memory of a VM; memory-mapped volumes need this space.', { unit: 'MiB' }),
  disable_block_device_use: flag(
    false,
    'Share root file systems on block devices instead of attaching the device, and refuse block devices as volumes.',
  ),
  block_device_driver: text('virtio-scsi', 'Device type by which block devices of the host are attached.', {
    oneOf: ['virtio-scsi', 'virtio-blk', 'nvdimm'],
  }),
  block_device_cache_set: flag(
    false,
    "The next two keys set how QEMU uses the host's cache for block devices. Otherwise QEMU's defaults apply.",
  ),
  block_device_cache_direct: flag(false, "Bypass the host's page cache (O_DIRECT)."),
  block_device_cache_noflush: flag(false, 'Ignore flush requests of the guest. Data is lost if the host crashes.'),
  shared_fs: text(
    'virtio-9p',
    'How host directories are shared with the guest. virtio-fs needs the daemon virtiofsd; a VM with it is booted, never cloned.',
    { oneOf: ['virtio-9p', 'virtio-fs'] },
  ),
  virtio_fs_daemon: text(
    '',
    'virtiofsd of QEMU 4.2 to 7, or the Rust implementation. Empty: the first that exists of\n' +
      '/usr/libexec/virtiofsd, /usr/lib/qemu/virtiofsd and /usr/bin/virtiofsd.',
  ),
  valid_virtio_fs_daemon_paths: list([], 'Paths, with * and ?, that the annotation `virtio_fs_daemon` may name.'),
  virtio_fs_cache: text('auto', 'How long the guest caches files: none, auto (one second) or always. Empty: none.', {
    oneOf: ['', 'none', 'auto', 'always'],
  }),
  virtio_fs_cache_size: count(
    0,
    'Size in MiB of the window through which the guest maps files (DAX). 0: none. Needs a QEMU with DAX; no distribution has one.',
    { unit: 'MiB' },
  ),
  virtio_fs_sandbox: text(
    'namespace',
    'How virtiofsd confines itself to the share, besides its seccomp filter and its few capabilities. namespace: by new mount, PID and\n' +
      'network namespaces. chroot: for a host that allows no namespaces. Annotations cannot change this key.',
    { oneOf: ['namespace', 'chroot'] },
  ),
  virtio_fs_extra_args: list([], 'Arguments appended to the command line of virtiofsd. Annotations cannot change this key.'),
  msize_9p: count(512000, 'Maximum size of a 9p message, in bytes.', { minimum: 4096, maximum: 1048576, unit: 'bytes' }),
  enable_debug: flag(false, "Keep QEMU's log, and print the messages of the guest's kernel on its console."),
  disable_nesting_checks: flag(false, 'Do not adapt the VM if the host itself is a VM.'),
  disable_image_nvdimm: flag(false, 'Attach the image as a virtio block device instead of an NVDIMM.'),
  disable_vhost_net: flag(false, 'Do not use vhost-net even if the host has it.'),
  entropy_source: text('/dev/urandom', 'Entropy source of the guest.', { mustExist: true }),
  enable_mem_prealloc: flag(false, 'Allocate all memory of a VM when it starts. Such a VM is booted, never cloned.'),
  enable_hugepages: flag(false, 'Use huge pages of /dev/hugepages for guest memory. Such a VM is booted, never cloned.'),
  file_mem_backend: text('', 'Directory for guest memory, as shared files. Such a VM is booted, never cloned.', {
    mustExist: true,
  }),
  valid_file_mem_backends: list([], 'Paths, with * and ?, that the annotation `file_mem_backend` may name.'),
  seccompsandbox: text(
    'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny',
    "QEMU's seccomp filter, as the value of its switch -sandbox: QEMU is killed when it uses a system call that the filter denies. It also\n" +
      'prevents QEMU from starting programs and from gaining privileges. Empty: no filter, for a QEMU without seccomp. Annotations cannot\n' +
      'change this key.',
  ),
  qemu_own_root: flag(
    true,
    'Run QEMU in new mount, PID, IPC, UTS and network namespaces, with an empty network and a root directory that has only the files,\n' +
      'devices and sockets of its VM. Set to false if `path` is a script that uses files outside of /usr or a network.\n' +
      'Annotations cannot change this key.',
  ),
  qemu_capabilities: list(
    ['CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'MKNOD', 'SETFCAP'],
    "Capabilities of QEMU, named as in capabilities(7) without CAP_. Its 9p server needs the default ones to act for the guest's root.\n" +
      '"ALL": the capabilities of the runtime. Annotations cannot change this key.',
  ),
  qemu_unprivileged: flag(
    true,
    'With shared_fs = "virtio-fs", run QEMU as an unprivileged user without capabilities. With 9p QEMU is root: it acts for the users of the\n' +
      'guest. Annotations cannot change this key.',
  ),
  qemu_device_cgroup: flag(
    true,
    'Let QEMU open only the devices that it uses, by the devices cgroup (version 1) or a BPF program (version 2) of its own cgroup. Disks\n' +
      'and taps that are attached later are passed to it open. Set to false on a host that has neither. Annotations cannot change this key.',
  ),
  qemu_pids_cgroup: flag(
    true,
    'Limit the threads of QEMU by the pids cgroup: 1,024 with version 1; with version 2, 16,384 for all processes of the sandbox. Set to\n' +
      'false on a host without this controller. Annotations cannot change this key.',
  ),
  keep_translated_code: flag(
    true,
    'Under emulation, keep the translated code of a template beside its memory, so that clones need not translate it again. Requires\n' +
      'qemu-lite; has no effect with KVM or with another QEMU.',
  ),
  enable_swap: flag(false, "Allow guest memory to be swapped out, which is the host's default too."),
  enable_iothreads: flag(false, 'Use a separate I/O thread for block devices on the SCSI controller.'),
  pflashes: list([], 'Files given to QEMU as -pflash.'),
  guest_hook_path: text('', 'Directory in the guest with hooks (in prestart, poststart and poststop) that are run for each container.'),
  enable_virtio_mem: idle(false, 'memory is hot-plugged as DIMMs'),
  enable_vhost_user_store: idle(false, 'vhost-user devices are not passed to the VM'),
  vhost_user_store_path: idle('/var/run/kata-containers/vhost-user', 'vhost-user devices are not passed to the VM'),
  valid_vhost_user_store_paths: idle([], 'vhost-user devices are not passed to the VM'),
  enable_iommu: idle(false, NO_VFIO),
  enable_iommu_platform: idle(false, NO_VFIO),
  hotplug_vfio_on_root_bus: idle(false, NO_VFIO),
  pcie_root_port: idle(0, NO_VFIO),
  use_vsock: idle(false, 'the agent is connected by a virtio serial port and kata-proxy'),
  jailer_path: idle('', OTHER_VMM),
  valid_jailer_paths: idle([], OTHER_VMM),
  ctlpath: idle('', OTHER_VMM),
  valid_ctlpaths: idle([], OTHER_VMM),
} as const;

const CONFINE =
  'After it has opened its sockets, drop root, all capabilities and the access to files and processes of the host: an empty root directory,\n' +
  'an unprivileged user, no_new_privs, a seccomp filter. It is an error if the host does not allow one of these. Set to false to keep it\n' +
  'root on such a host, or to debug it.';

const proxy = {
  path: text('/usr/libexec/kata-containers/kata-proxy', 'kata-proxy binary.', { mustExist: true }),
  enable_debug: flag(false, "Log debug messages of the proxy, and the guest's console."),
  confine: flag(true, CONFINE),
  port_forward: flag(true, "Forward TCP connections to 127.0.0.1 of a pod's network namespace to the guest: kubectl port-forward."),
} as const;

const shim = {
  path: text('/usr/libexec/kata-containers/kata-shim', 'kata-shim binary.', { mustExist: true }),
  enable_debug: flag(false, 'Log debug messages of the shim.'),
  confine: flag(true, CONFINE),
  enable_tracing: flag(false, 'Record spans of the shim, if the runtime records its spans.'),
} as const;

const agent = {
  enable_debug: flag(false, "Log debug messages of the agent on the guest's console."),
  debug_console_enabled: flag(
    false,
    "Permit 'kata-runtime kata-shell ID', which runs programs as root in the guest, beside the containers. The shell has access to\n" +
      'everything that the containers of the VM have. Annotations cannot change this key.',
  ),
  kernel_modules: list([], 'Guest kernel modules to load, each as "name parameter=value …".'),
  enable_tracing: flag(false, 'Record spans of the agent, if the runtime records its spans.'),
  trace_mode: idle('dynamic', ONE_TRACE),
  trace_type: idle('isolated', ONE_TRACE),
} as const;

const runtime = {
  enable_debug: flag(false, 'Log debug messages of the runtime.'),
  internetworking_model: text(
    'tcfilter',
    'How the VM is connected to the network namespace. tcfilter (default is the same): tc redirects traffic between each link and a\n' +
      'tap. macvtap: a macvtap on each link; the addresses of the link move to the guest. none: no network.',
    { oneOf: ['default', 'tcfilter', 'macvtap', 'none'] },
  ),
  enable_network_sharing: flag(
    true,
    'Create a container that shares the network of a container in a VM (`--network container:ID`) in the same VM, like the containers of a\n' +
      'pod. Otherwise such a container is refused.',
  ),
  sandbox_cgroup_only: flag(
    false,
    'Apply the limits of the container that the sandbox was made for to the whole sandbox, with QEMU, proxy and shims. Otherwise the\n' +
      "containers' limits apply to the VM's vCPUs only.",
  ),
  disable_guest_seccomp: flag(false, 'Do not apply seccomp profiles inside the guest.'),
  enable_tracing: flag(false, 'Record what each command does, as spans of OpenTelemetry (docs/tracing.md).'),
  trace_endpoint: text(
    'http://127.0.0.1:4318',
    'Collector of the spans, by OTLP/HTTP with JSON: http://HOST:PORT, unix:///SOCKET; or file:///PATH, a file with one message in each line.',
    { format: { pattern: /^(http:\/\/[^/]|(unix|file):\/\/\/[^?#])/, text: 'must begin with http://, unix:/// or file:///' } },
  ),
  disable_new_netns: idle(false, 'QEMU always runs in a network namespace'),
  enable_agent_pidns: idle(false, 'the pod decides whether its containers share a PID namespace'),
  experimental: idle([], 'there are no experimental features'),
} as const;

const factory = {
  enable_template: flag(
    true,
    'Start VMs as clones of a template, a VM that has already booted: faster, and with shared memory. The first container makes the\n' +
      'template. The cost: kernel and agent have the same address layout in all clones, so that an attacker who learns the layout in\n' +
      'one VM knows it for all VMs. Each clone gets fresh entropy and the time before anything runs in it. Set to false to boot each VM.',
  ),
  template_path: text('/run/vc/vm/template', 'Directory of the templates. A tmpfs is mounted there unless something is mounted already.'),
  vm_cache_number: count(
    0,
    "Number of VMs that the server of the VM cache ('kata-runtime factory init') keeps ready. Each uses memory while it waits.\n" +
      '0: no cache.',
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

/** Tables of 1.x that this version ignores without a warning. */
export const ignoredTables: readonly string[] = ['netmon'];
