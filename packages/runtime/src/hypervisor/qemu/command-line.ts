/**
 * QEMU's command line, one small unit per switch, in 1.x's order. Pure: what the host offers is told by `QemuPlan`.
 * Differences from 1.x are forced by QEMU 6 and later: booleans spelled in full (`server=on`), `readonly=on` and `unarmed=on`
 * for the image, no `-realtime`. QEMU is not told to daemonize: its last words then reach our log.
 */
import { kernelParameters } from './kernel-parameters.ts';

export type Accelerator = 'kvm' | 'tcg';

export interface QemuPaths {
  readonly qmpSocket: string;
  readonly consoleSocket: string;
  readonly agentSocket: string;
  readonly pidFile: string;
}

export interface QemuNetwork {
  /** Name of the tap inside the network namespace that QEMU is started in. */
  readonly tap: string;
  /** MAC address that the guest sees. */
  readonly mac: string;
}

export interface QemuImage {
  readonly path: string;
  readonly sizeBytes: number;
}

/** Guest memory kept in a file. Shared, what the guest writes goes to the file; else each VM has its own copy of what it changes. */
export interface MemoryFile {
  readonly path: string;
  readonly shared: boolean;
}

export interface QemuPlan {
  readonly binary: string;
  readonly sandboxId: string;
  readonly uuid: string;
  readonly accelerator: Accelerator;
  readonly machineType: string;
  readonly machineAccelerators: string;
  readonly cpuFeatures: string;
  readonly vcpus: number;
  readonly maxVcpus: number;
  readonly memoryMiB: number;
  readonly maxMemoryMiB: number;
  readonly memorySlots: number;
  readonly bridges: number;
  readonly kernel: string;
  readonly kernelParams: string;
  readonly agentDebug: boolean;
  readonly debug: boolean;
  /** Either an image or an initrd. */
  readonly image?: QemuImage;
  readonly initrd?: string;
  readonly imageAsNvdimm: boolean;
  readonly firmware: string;
  readonly entropySource: string;
  /** Host directory shared with the guest as `kataShared`. */
  readonly sharedDirectory: string;
  readonly networks: readonly QemuNetwork[];
  readonly vhostNet: boolean;
  /** True on a host that is itself a VM: 1.x avoids modern virtio there. */
  readonly nested: boolean;
  /** Set for a template and its clones; other VMs have memory of their own. */
  readonly memoryFile?: MemoryFile;
  /** The VM waits for the state of another one instead of booting. */
  readonly incoming?: boolean;
  readonly paths: QemuPaths;
}

type Unit = (plan: QemuPlan) => string[];

const joined = (...parts: (string | false)[]): string => parts.filter((part) => part !== false && part !== '').join(',');
/** Commas in a value are doubled, or QEMU takes the rest for another option (qemu(1), "-drive"). */
const escape = (value: string): string => value.replaceAll(',', ',,');
const modern = ({ nested }: QemuPlan): string => `disable-modern=${nested}`;

const name: Unit = ({ sandboxId }) => ['-name', `sandbox-${escape(sandboxId)}`];
const uuid: Unit = (plan) => ['-uuid', plan.uuid];

const machine: Unit = ({ machineType, accelerator, image, imageAsNvdimm, machineAccelerators }) => [
  '-machine',
  joined(
    machineType,
    `accel=${accelerator}`,
    accelerator === 'kvm' && 'kernel_irqchip=on',
    image !== undefined && imageAsNvdimm && 'nvdimm=on',
    machineAccelerators,
  ),
];

/**
 * TCG emulates what it can of any CPU, but for what makes it slow: it moves `rep movsb` byte by byte, and walks a fifth level of
 * page tables in software. `host` exists with KVM only. A VM whose CPU can host VMs cannot be saved.
 */
const cpu: Unit = ({ accelerator, cpuFeatures, memoryFile }) => [
  '-cpu',
  accelerator === 'kvm' ? joined('host', memoryFile !== undefined && 'vmx=off', cpuFeatures) : 'max,erms=off,la57=off',
];

const qmp: Unit = ({ paths }) => ['-qmp', `unix:${escape(paths.qmpSocket)},server=on,wait=off`];
const memory: Unit = ({ memoryMiB, memorySlots, maxMemoryMiB }) => ['-m', `${memoryMiB}M,slots=${memorySlots},maxmem=${maxMemoryMiB}M`];

/** The first bridge sits in slot 2: 0 and 1 belong to the platform. */
const bridges: Unit = ({ bridges: count, machineType }) =>
  Array.from({ length: count }, (_, index) => [
    '-device',
    `pci-bridge,bus=${machineType === 'q35' ? 'pcie.0' : 'pci.0'},id=pci-bridge-${index},chassis_nr=${index + 1},shpc=on,addr=${(index + 2).toString(16)},romfile=`,
  ]).flat();

const serial: Unit = (plan) => ['-device', `virtio-serial-pci,${modern(plan)},id=serial0,romfile=,max_ports=2`];

const consoleDevice: Unit = ({ paths }) => [
  ...['-device', 'virtconsole,chardev=charconsole0,id=console0'],
  ...['-chardev', `socket,id=charconsole0,path=${escape(paths.consoleSocket)},server=on,wait=off`],
];

/** The image is mapped shared and read-only: its pages are the host's page cache, the same for all guests. */
const imageDevice: Unit = (plan) => {
  const { image, imageAsNvdimm } = plan;
  if (!image) return [];
  if (imageAsNvdimm) {
    return [
      ...['-device', 'nvdimm,id=nv0,memdev=mem0,unarmed=on'],
      ...['-object', `memory-backend-file,id=mem0,mem-path=${escape(image.path)},size=${image.sizeBytes},share=on,readonly=on`],
    ];
  }
  return [
    ...['-device', `virtio-blk-pci,${modern(plan)},drive=image,scsi=off,config-wce=off,romfile=,share-rw=on,serial=image`],
    ...['-drive', `id=image,file=${escape(image.path)},aio=threads,format=raw,if=none,readonly=on`],
  ];
};

const scsi: Unit = (plan) => ['-device', `virtio-scsi-pci,id=scsi0,${modern(plan)},romfile=`];

const rng: Unit = ({ entropySource }) => [
  ...['-object', `rng-random,id=rng0,filename=${escape(entropySource)}`],
  ...['-device', 'virtio-rng-pci,rng=rng0,romfile='],
];

const agentChannel: Unit = ({ paths }) => [
  ...['-device', 'virtserialport,chardev=charch0,id=channel0,name=agent.channel.0'],
  ...['-chardev', `socket,id=charch0,path=${escape(paths.agentSocket)},server=on,wait=off`],
];

const sharedFileSystem: Unit = (plan) => [
  ...['-device', `virtio-9p-pci,${modern(plan)},fsdev=extra-9p-kataShared,mount_tag=kataShared,romfile=`],
  ...['-fsdev', `local,id=extra-9p-kataShared,path=${escape(plan.sharedDirectory)},security_model=none,multidevs=remap`],
];

const network: Unit = (plan) =>
  plan.networks.flatMap(({ tap, mac }, index) => [
    ...['-netdev', joined('tap', `id=network-${index}`, `ifname=${tap}`, 'script=no', 'downscript=no', plan.vhostNet && 'vhost=on')],
    ...['-device', `driver=virtio-net-pci,netdev=network-${index},mac=${mac},${modern(plan)},romfile=`],
  ]);

const rtc: Unit = () => ['-rtc', 'base=utc,driftfix=slew,clock=host'];
const globals: Unit = ({ accelerator }) => (accelerator === 'kvm' ? ['-global', 'kvm-pit.lost_tick_policy=discard'] : []);
const knobs: Unit = () => ['-vga', 'none', '-no-user-config', '-nodefaults', '-nographic', '--no-reboot'];

const memoryBackend: Unit = ({ memoryMiB, memoryFile }) => {
  const backend = memoryFile
    ? `memory-backend-file,id=dimm1,size=${memoryMiB}M,mem-path=${escape(memoryFile.path)},share=${memoryFile.shared ? 'on' : 'off'}`
    : `memory-backend-ram,id=dimm1,size=${memoryMiB}M`;
  return ['-object', backend, '-numa', 'node,memdev=dimm1'];
};

const kernel: Unit = (plan) => [
  ...['-kernel', plan.kernel],
  ...(plan.initrd === undefined ? [] : ['-initrd', plan.initrd]),
  ...['-append', kernelParameters(plan).join(' ')],
];

const firmware: Unit = (plan) => (plan.firmware === '' ? [] : ['-bios', plan.firmware]);
const pidFile: Unit = ({ paths }) => ['-pidfile', paths.pidFile];
const smp: Unit = ({ vcpus, maxVcpus }) => ['-smp', `${vcpus},cores=1,threads=1,sockets=${maxVcpus},maxcpus=${maxVcpus}`];
const incoming: Unit = (plan) => (plan.incoming === true ? ['-S', '-incoming', 'defer'] : []);

const units: Unit[] = [
  ...[name, uuid, machine, cpu, qmp, memory],
  ...[bridges, serial, consoleDevice, imageDevice, scsi, rng, agentChannel, sharedFileSystem, network],
  ...[rtc, globals, knobs, memoryBackend, kernel, firmware, pidFile, smp, incoming],
];

/** The words after the binary's name. */
export function qemuCommandLine(plan: QemuPlan): string[] {
  return units.flatMap((unit) => unit(plan));
}
