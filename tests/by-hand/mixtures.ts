/**
 * Mixtures of our programs and those of Kata Containers 1.x: scripts that an engine, or a test, calls as a runtime. KATA_GO_DIR names a
 * directory with kata-runtime, kata-proxy, kata-shim and kata-agent of 1.x.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { run } from '../support/run.ts';
import { stage, variant } from '../support/staged.ts';

const goDirectory = process.env['KATA_GO_DIR'];
const programs = ['runtime', 'proxy', 'shim', 'agent'] as const;
type Program = (typeof programs)[number];
export type Mixture = Readonly<Record<Program, 'go' | 'ours'>>;

export const mixtures: Mixture[] = Array.from({ length: 16 }, (_, bits) => {
  const makes = programs.map((program, index) => [program, bits & (1 << index) ? 'go' : 'ours'] as const);
  return Object.fromEntries(makes) as unknown as Mixture;
});
export const nameOf = (mixture: Mixture): string => programs.map((program) => `${program} ${mixture[program]}`).join(', ');

const go = (program: Program): string => join(goDirectory ?? '', `kata-${program}`);
const share = (name: string): string => join(stage, 'usr/share/kata-containers', name);

/** The initrd with 1.x's agent in place of kata-agent: 1.x's runtime waits only 20 s for a guest, also an emulated one. */
const goInitrd = `
set -e
mkdir root && cd root
zcat "$1" | cpio --quiet -id
rm -r usr/libexec init && cp "$2" init
find . | cpio --quiet -o -H newc | gzip -1 >../go.img`;

/** A wrapper that lets 1.x's runtime use a current QEMU: replaces KVM by emulation, and removes options that QEMU no longer has. */
const qemuWrapper = (qemu: string): string => `#!/bin/sh
set --  "$@" END
while [ "$1" != END ]; do
  argument=$1; shift
  case $argument in
    -realtime) shift ;;
    mlock=off | -enable-kvm) ;;
    pc,accel=kvm*nvdimm*) set -- "$@" pc,accel=tcg,nvdimm=on ;;
    pc,accel=kvm*) set -- "$@" pc,accel=tcg ;;
    host | host,*) set -- "$@" max,erms=off,fsrm=off,la57=off ;;
    *) set -- "$@" "$argument" ;;
  esac
done
shift
exec ${qemu} "$@"
`;

/** 1.x's programs do not start without a syslog socket, and its share needs mounts that are shared, as systemd configures every machine. */
export async function startSyslog(): Promise<Server> {
  assert.equal((await run('mount', ['--make-rshared', '/'])).code, 0);
  return createServer((connection) => connection.on('error', () => {}).resume()).listen('/run/syslog');
}

/** Makes the files that the runtimes need in `directory`. @returns the runtime of a mixture, a script */
export async function prepareRuntimes(directory: string): Promise<(mixture: Mixture) => string> {
  assert.ok(goDirectory, 'KATA_GO_DIR names the directory with the programs of 1.x');
  const file = (name: string): string => join(directory, name);
  const initrd = spawn('sh', ['-c', goInitrd, 'sh', share('kata-containers-initrd.img'), go('agent')], { cwd: directory, stdio: 'ignore' });
  assert.deepEqual(await once(initrd, 'exit'), [0, null]);
  writeFileSync(file('qemu'), qemuWrapper(join(stage, 'usr/bin/qemu-lite-system-x86_64')));
  chmodSync(file('qemu'), 0o755);

  const pathOf = (mixture: Mixture, program: 'proxy' | 'shim'): string =>
    mixture[program] === 'go' ? go(program) : join(stage, `usr/libexec/kata-containers/kata-${program}`);
  const initrdOf = ({ agent }: Mixture): string => (agent === 'go' ? file('go.img') : share('kata-containers-initrd.img'));

  function ourRuntime(mixture: Mixture): string {
    return variant(directory, 'ours', (toml) =>
      toml
        .replace(/^image = .*$/m, 'image = ""')
        .replace(/^#initrd = .*$/m, `initrd = "${initrdOf(mixture)}"`)
        .replace(/^enable_template = true$/m, 'enable_template = false')
        .replace(/^path = ".*kata-proxy"$/m, `path = "${pathOf(mixture, 'proxy')}"`)
        .replace(/^path = ".*kata-shim"$/m, `path = "${pathOf(mixture, 'shim')}"`),
    );
  }

  function goRuntime(mixture: Mixture): string {
    const toml = `
[hypervisor.qemu]
path = "${file('qemu')}"
kernel = "${share('vmlinuz.container')}"
${mixture.agent === 'go' ? `initrd = "${initrdOf(mixture)}"` : `image = "${share('kata-containers.img')}"`}
machine_type = "pc"
default_vcpus = 1
default_memory = 512
kernel_params = "mitigations=off agent.hotplug_timeout=18s"
default_bridges = 1
block_device_driver = "virtio-scsi"
shared_fs = "virtio-9p"
disable_vhost_net = true
[proxy.kata]
path = "${pathOf(mixture, 'proxy')}"
[shim.kata]
path = "${pathOf(mixture, 'shim')}"
[agent.kata]
[netmon]
path = "/usr/libexec/kata-containers/kata-netmon"
[runtime]
internetworking_model = "tcfilter"
disable_guest_seccomp = true
`;
    writeFileSync(file('go.toml'), toml);
    writeFileSync(file('go'), `#!/bin/sh\nexec ${go('runtime')} --kata-config ${file('go.toml')} "$@"\n`);
    chmodSync(file('go'), 0o755);
    return file('go');
  }

  return (mixture) => (mixture.runtime === 'go' ? goRuntime(mixture) : ourRuntime(mixture));
}
