/**
 * QEMU's command line, one function for each option, in 1.x's order. Pure: `QemuPlan` describes the host.
 * Differences from 1.x are forced by QEMU 6 and later: booleans spelled in full (`server=on`), `readonly=on` and `unarmed=on`
 * for the image, no `-realtime`. Without `-daemonize` QEMU's last error messages reach the log.
 */
import { kernelParameters } from './kernel-parameters.ts';
import { backendOption } from './memory-backend-plan.ts';
import { escapeOption, joined } from './option-text.ts';
import type { MemoryFile, QemuPlan, VirtioFs } from './qemu-plan.ts';

type Unit = (plan: QemuPlan) => string[];

const modern = ({ nested }: QemuPlan): string => `disable-modern=${nested}`;
/** 16 hexadecimal digits, which 1.x appends to names that must be unique. They are derived from the VM's UUID, so a plan is complete. */
const digits = ({ uuid: own }: QemuPlan): string => own.replaceAll('-', '').slice(0, 16);
const ioThreadName = (plan: QemuPlan): string => `iothread-${digits(plan)}`;

const name: Unit = ({ sandboxId }) => ['-name', `sandbox-${escapeOption(sandboxId)}`];
const uuid: Unit = (plan) => ['-uuid', plan.uuid];

const machine: Unit = ({ machineType, accelerator, codeFile, image, imageAsNvdimm, disksAsNvdimm, machineAccelerators }) => [
  '-machine',
  joined(
    machineType,
    codeFile === undefined && `accel=${accelerator}`,
    accelerator === 'kvm' && 'kernel_irqchip=on',
    ((image !== undefined && imageAsNvdimm) || disksAsNvdimm) && 'nvdimm=on',
    machineAccelerators,
  ),
];

/** Options of an accelerator exclude `-machine accel=`. The options of qemu-lite are in packaging/qemu/patches. */
const keptCode: Unit = ({ accelerator, codeFile, incoming: isClone }) =>
  codeFile === undefined ? [] : ['-accel', joined(accelerator, `code-${isClone === true ? 'load' : 'save'}=${escapeOption(codeFile)}`)];

/**
 * The CPU of a VM. With TCG it has all features that TCG emulates, except slow ones: TCG executes `rep movsb` byte by byte, and walks a
 * fifth level of page tables in software. fsrm, which newer versions emulate, is disabled together with erms: a kernel with fsrm and
 * without erms does not boot. `host` exists with KVM only. A VM whose CPU supports nested VMs cannot be saved.
 */
const cpu: Unit = ({ accelerator, cpuFeatures, memoryFile }) => [
  '-cpu',
  accelerator === 'kvm' ? joined('host', memoryFile !== undefined && 'vmx=off', cpuFeatures) : 'max,erms=off,fsrm=off,la57=off',
];

const qmp: Unit = ({ paths }) => ['-qmp', `unix:${escapeOption(paths.qmpSocket)},server=on,wait=off`];
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
  ...['-chardev', `socket,id=charconsole0,path=${escapeOption(paths.consoleSocket)},server=on,wait=off`],
];

/** The image is mapped shared and read-only: all guests share its pages in the host's page cache. */
const imageDevice: Unit = (plan) => {
  const { image, imageAsNvdimm } = plan;
  if (!image) return [];
  if (imageAsNvdimm) {
    return [
      ...['-device', 'nvdimm,id=nv0,memdev=mem0,unarmed=on'],
      ...['-object', `memory-backend-file,id=mem0,mem-path=${escapeOption(image.path)},size=${image.sizeBytes},share=on,readonly=on`],
    ];
  }
  return [
    ...['-device', `virtio-blk-pci,${modern(plan)},drive=image,scsi=off,config-wce=off,romfile=,share-rw=on,serial=image`],
    ...['-drive', `id=image,file=${escapeOption(image.path)},aio=threads,format=raw,if=none,readonly=on`],
  ];
};

const scsi: Unit = (plan) => [
  '-device',
  joined('virtio-scsi-pci,id=scsi0', modern(plan), 'romfile=', plan.ioThread && `iothread=${ioThreadName(plan)}`),
];

const rng: Unit = ({ entropySource }) => [
  ...['-object', `rng-random,id=rng0,filename=${escapeOption(entropySource)}`],
  ...['-device', 'virtio-rng-pci,rng=rng0,romfile='],
];

const agentChannel: Unit = ({ paths }) => [
  ...['-device', 'virtserialport,chardev=charch0,id=channel0,name=agent.channel.0'],
  ...['-chardev', `socket,id=charch0,path=${escapeOption(paths.agentSocket)},server=on,wait=off`],
];

const nineP: Unit = (plan) => [
  ...['-device', `virtio-9p-pci,${modern(plan)},fsdev=extra-9p-kataShared,mount_tag=kataShared,romfile=`],
  ...['-fsdev', `local,id=extra-9p-kataShared,path=${escapeOption(plan.sharedDirectory)},security_model=none,multidevs=remap`],
];

const virtioFs = (plan: QemuPlan, { socket, cacheMiB }: VirtioFs): string[] => {
  const channel = `char-${digits(plan)}`;
  const window = cacheMiB > 0 && `cache-size=${cacheMiB}M`;
  return [
    ...['-chardev', `socket,id=${channel},path=${escapeOption(socket)}`],
    ...['-device', joined(`vhost-user-fs-pci,chardev=${channel},tag=kataShared`, window, 'romfile=')],
  ];
};

const sharedFileSystem: Unit = (plan) => (plan.virtioFs ? virtioFs(plan, plan.virtioFs) : nineP(plan));

/** The first fd after stdio. QEMU inherits from here on the taps in the order of the plan, and then one fd of /dev/vhost-net for each tap. */
const FIRST_FD = 3;

const network: Unit = (plan) => {
  const { networks, vhostNet } = plan;
  return networks.flatMap(({ mac }, index) => {
    const vhost = vhostNet && `vhost=on,vhostfd=${FIRST_FD + networks.length + index}`;
    return [
      ...['-netdev', joined('tap', `id=network-${index}`, `fd=${FIRST_FD + index}`, vhost)],
      ...['-device', `driver=virtio-net-pci,netdev=network-${index},mac=${mac},${modern(plan)},romfile=`],
    ];
  });
};

const rtc: Unit = () => ['-rtc', 'base=utc,driftfix=slew,clock=host'];
const globals: Unit = ({ accelerator }) => (accelerator === 'kvm' ? ['-global', 'kvm-pit.lost_tick_policy=discard'] : []);
const flashes: Unit = ({ pflashes }) => pflashes.flatMap((path) => ['-pflash', path]);
const knobs: Unit = () => ['-vga', 'none', '-no-user-config', '-nodefaults', '-nographic', '--no-reboot'];

/** Without `rom=off`, memory of a file that is opened for reading is read-only for the guest too. */
const mapping = ({ shared, readOnly }: MemoryFile): string =>
  joined(`share=${shared ? 'on' : 'off'}`, readOnly === true && 'readonly=on,rom=off');

const memoryBackend: Unit = ({ memoryMiB, memoryFile, memoryBackend: own }) => {
  const backend = memoryFile
    ? `memory-backend-file,id=dimm1,size=${memoryMiB}M,mem-path=${escapeOption(memoryFile.path)},${mapping(memoryFile)}`
    : backendOption(own, 'dimm1', `${memoryMiB}M`);
  return ['-object', backend, '-numa', 'node,memdev=dimm1'];
};

/** 1.x's `-realtime mlock=off`, which QEMU 6 has removed. */
const lock: Unit = ({ swappable }) => (swappable ? ['-overcommit', 'mem-lock=off'] : []);

const kernel: Unit = (plan) => [
  ...['-kernel', plan.kernel],
  ...(plan.initrd === undefined ? [] : ['-initrd', plan.initrd]),
  ...['-append', kernelParameters(plan).join(' ')],
];

const firmware: Unit = (plan) => (plan.firmware === '' ? [] : ['-bios', plan.firmware]);
const ioThread: Unit = (plan) => (plan.ioThread ? ['-object', `iothread,id=${ioThreadName(plan)}`] : []);
/** Additional log output of QEMU. Error messages of QEMU are always logged. */
const logFile: Unit = ({ debug, paths }) => (debug ? ['-D', paths.qemuLog] : []);
/** QEMU's own seccomp filter, which also sets no_new_privs. It is active before the guest runs. */
const sandbox: Unit = ({ seccomp }) => (seccomp === '' ? [] : ['-sandbox', seccomp]);
const smp: Unit = ({ vcpus, maxVcpus }) => ['-smp', `${vcpus},cores=1,threads=1,sockets=${maxVcpus},maxcpus=${maxVcpus}`];
const incoming: Unit = (plan) => (plan.incoming === true ? ['-S', '-incoming', 'defer'] : []);

const units: Unit[] = [
  ...[name, uuid, machine, keptCode, cpu, qmp, memory],
  ...[bridges, serial, consoleDevice, imageDevice, scsi, rng, agentChannel, sharedFileSystem, network],
  ...[rtc, globals, flashes, knobs, memoryBackend, lock, kernel, firmware, ioThread, logFile, sandbox, smp, incoming],
];

/** The arguments after the binary's name. */
export function qemuCommandLine(plan: QemuPlan): string[] {
  return units.flatMap((unit) => unit(plan));
}
