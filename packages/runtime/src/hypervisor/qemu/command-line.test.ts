import assert from 'node:assert/strict';
import { qemuCommandLine } from './command-line.ts';
import type { QemuPlan } from './qemu-plan.ts';
import { examplePlan as plan } from './example-plan.test-support.ts';

/** The whole command line, one switch in a row. */
const golden = `
-name sandbox-abc
-uuid 6a1f0a7e-0000-4000-8000-000000000000
-machine pc,accel=kvm,kernel_irqchip=on,nvdimm=on
-cpu host,pmu=off
-qmp unix:/run/vc/vm/abc/qmp.sock,server=on,wait=off
-m 2048M,slots=10,maxmem=8000M
-device pci-bridge,bus=pci.0,id=pci-bridge-0,chassis_nr=1,shpc=on,addr=2,romfile=
-device virtio-serial-pci,disable-modern=false,id=serial0,romfile=,max_ports=2
-device virtconsole,chardev=charconsole0,id=console0
-chardev socket,id=charconsole0,path=/run/vc/vm/abc/console.sock,server=on,wait=off
-device nvdimm,id=nv0,memdev=mem0,unarmed=on
-object memory-backend-file,id=mem0,mem-path=/img,size=134217728,share=on,readonly=on
-device virtio-scsi-pci,id=scsi0,disable-modern=false,romfile=
-object rng-random,id=rng0,filename=/dev/urandom
-device virtio-rng-pci,rng=rng0,romfile=
-device virtserialport,chardev=charch0,id=channel0,name=agent.channel.0
-chardev socket,id=charch0,path=/run/vc/vm/abc/kata.sock,server=on,wait=off
-device virtio-9p-pci,disable-modern=false,fsdev=extra-9p-kataShared,mount_tag=kataShared,romfile=
-fsdev local,id=extra-9p-kataShared,path=/run/kata-containers/shared/sandboxes/abc/shared,security_model=none,multidevs=remap
-netdev tap,id=network-0,fd=3,vhost=on,vhostfd=4
-device driver=virtio-net-pci,netdev=network-0,mac=02:42:ac:11:00:02,disable-modern=false,romfile=
-rtc base=utc,driftfix=slew,clock=host
-global kvm-pit.lost_tick_policy=discard
-vga none
-no-user-config
-nodefaults
-nographic
--no-reboot
-object memory-backend-ram,id=dimm1,size=2048M
-numa node,memdev=dimm1
-kernel /k
-append tsc=reliable no_timer_check rcupdate.rcu_expedited=1 i8042.direct=1 i8042.dumbkbd=1 i8042.nopnp=1 i8042.noaux=1 noreplace-smp reboot=k console=hvc0 console=hvc1 cryptomgr.notests net.ifnames=0 pci=lastbus=0 iommu=off secretmem.enable=1 root=/dev/pmem0p1 rootflags=dax,data=ordered,errors=remount-ro ro rootfstype=ext4 quiet systemd.show_status=false panic=1 nr_cpus=4 agent.use_vsock=false systemd.unit=kata-containers.target systemd.mask=systemd-networkd.service systemd.mask=systemd-networkd.socket scsi_mod.scan=none
-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
-smp 1,cores=1,threads=1,sockets=4,maxcpus=4
`;

/** Rows of the command line: each switch with its value. */
function rows(args: readonly string[]): string[] {
  return args.reduce<string[]>((out, word) => (word.startsWith('-') ? [...out, word] : [...out.slice(0, -1), `${out.at(-1)} ${word}`]), []);
}

describe('QEMU command line', () => {
  it('has the arguments of the default configuration in order', () =>
    assert.deepEqual(rows(qemuCommandLine(plan)), golden.trim().split('\n')));

  const { image: _image, ...withoutImage } = plan;
  const variants: [name: string, plan: QemuPlan, has: RegExp[], hasNot: RegExp[]][] = [
    [
      'a template keeps its code',
      { ...plan, accelerator: 'tcg', codeFile: '/t,1/code' },
      [/^-machine pc,nvdimm=on$/, /^-accel tcg,code-save=\/t,,1\/code$/],
      [/code-load/],
    ],
    [
      'a clone uses it',
      { ...plan, accelerator: 'tcg', codeFile: '/t/code', incoming: true },
      [/^-machine pc,nvdimm=on$/, /^-accel tcg,code-load=\/t\/code$/],
      [/code-save/],
    ],
    [
      'emulation',
      { ...plan, accelerator: 'tcg' },
      [/^-machine pc,accel=tcg,nvdimm=on$/, /^-cpu max,erms=off,fsrm=off,la57=off$/, /mitigations=off/],
      [/^-global/, /kernel_irqchip/],
    ],
    ['initrd', { ...withoutImage, initrd: '/i' }, [/^-initrd \/i$/], [/nvdimm/, /root=/, /systemd/]],
    ['image as a disk', { ...plan, imageAsNvdimm: false }, [/^-device virtio-blk-pci,.*drive=image/, /root=\/dev\/vda1/], [/nvdimm/]],
    ['no seccomp filter', { ...plan, seccomp: '' }, [], [/sandbox on/]],
    ['no vhost-net', { ...plan, vhostNet: false }, [/^-netdev tap,id=network-0,fd=3$/], [/vhost/]],
    ['nested', { ...plan, nested: true }, [/virtio-scsi-pci,id=scsi0,disable-modern=true/], [/disable-modern=false/]],
    ['a debugging shell', { ...plan, debugShell: true }, [/ scsi_mod\.scan=none agent\.debug_shell( |$)/m], [/ agent\.debug_console/]],
    ['debug', { ...plan, debug: true, agentDebug: true }, [/ debug .*agent\.log=debug/], [/ quiet /]],
    ['q35', { ...plan, machineType: 'q35' }, [/^-machine q35,/, /pci-bridge,bus=pcie\.0,/], []],
    [
      'template',
      { ...plan, memoryFile: { path: '/t/memory', shared: true } },
      [/^-object memory-backend-file,id=dimm1,size=2048M,mem-path=\/t\/memory,share=on$/, /^-cpu host,vmx=off,pmu=off$/],
      [/memory-backend-ram/, /^-incoming/],
    ],
    [
      'clone of a template',
      { ...plan, memoryFile: { path: '/t/memory', shared: false }, incoming: true },
      [/^-object memory-backend-file,id=dimm1,.*share=off$/, /^-S$/, /^-incoming defer$/],
      [],
    ],
    [
      'clone of a template, by a QEMU that need not write to its memory',
      { ...plan, memoryFile: { path: '/t/memory', shared: false, readOnly: true }, incoming: true },
      [/^-object memory-backend-file,id=dimm1,.*share=off,readonly=on,rom=off$/],
      [],
    ],
    [
      'virtio-fs',
      {
        ...plan,
        virtioFs: { socket: '/run/vc/vm/abc/vhost-fs.sock', cacheMiB: 0 },
        memoryBackend: { directory: '/dev/shm', shared: true, preallocated: false },
      },
      [
        /^-chardev socket,id=char-6a1f0a7e00004000,path=\/run\/vc\/vm\/abc\/vhost-fs\.sock$/,
        /^-device vhost-user-fs-pci,chardev=char-6a1f0a7e00004000,tag=kataShared,romfile=$/,
        /^-object memory-backend-file,id=dimm1,size=2048M,mem-path=\/dev\/shm,share=on$/,
        /^-cpu host,pmu=off$/,
      ],
      [/9p/, /memory-backend-ram/],
    ],
    [
      'virtio-fs with a window',
      { ...plan, virtioFs: { socket: '/s', cacheMiB: 1024 } },
      [/^-device vhost-user-fs-pci,chardev=char-[0-9a-f]{16},tag=kataShared,cache-size=1024M,romfile=$/],
      [],
    ],
    [
      'huge pages',
      { ...plan, memoryBackend: { directory: '/dev/hugepages', shared: false, preallocated: false } },
      [/^-object memory-backend-file,id=dimm1,size=2048M,mem-path=\/dev\/hugepages$/],
      [],
    ],
    [
      'preallocated',
      { ...plan, memoryBackend: { shared: false, preallocated: true } },
      [/^-object memory-backend-ram,id=dimm1,size=2048M,prealloc=on$/],
      [],
    ],
    ['swap', { ...plan, swappable: true }, [/^-overcommit mem-lock=off$/], []],
    [
      'a thread for block devices',
      { ...plan, ioThread: true },
      [
        /^-device virtio-scsi-pci,id=scsi0,disable-modern=false,romfile=,iothread=iothread-6a1f0a7e00004000$/,
        /^-object iothread,id=iothread-6a1f0a7e00004000$/,
      ],
      [],
    ],
    ['flashes', { ...plan, pflashes: ['/f0', '/f1'] }, [/^-pflash \/f0$/, /^-pflash \/f1$/], []],
    ['log file', { ...plan, debug: true }, [/^-D \/run\/vc\/vm\/abc\/qemu\.log$/], []],
    [
      'two links',
      { ...plan, networks: [...plan.networks, { tap: 'tap1_kata', mac: '02:42:ac:11:00:03', macvtap: true }] },
      [/^-netdev tap,id=network-0,fd=3,vhost=on,vhostfd=5$/, /^-netdev tap,id=network-1,fd=4,vhost=on,vhostfd=6$/],
      [/tap[01]_kata/],
    ],
    ['firmware', { ...plan, firmware: '/f' }, [/^-bios \/f$/], []],
    ['extra kernel parameters are last', { ...plan, kernelParams: 'a=b c' }, [/scsi_mod\.scan=none a=b c$/], []],
    ['commas in paths are doubled', { ...plan, sharedDirectory: '/a,b' }, [/path=\/a,,b,security/], []],
    ['no network', { ...plan, networks: [] }, [], [/netdev/]],
    ['two bridges', { ...plan, bridges: 2 }, [/id=pci-bridge-1,chassis_nr=2,shpc=on,addr=3,/], []],
  ];
  for (const [name, variant, has, hasNot] of variants) {
    it(name, () => {
      const lines = rows(qemuCommandLine(variant));
      for (const pattern of has)
        assert.ok(
          lines.some((line) => pattern.test(line)),
          `${pattern} in\n${lines.join('\n')}`,
        );
      for (const pattern of hasNot) assert.ok(!lines.some((line) => pattern.test(line)), `no ${pattern}`);
    });
  }
});
