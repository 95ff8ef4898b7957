/**
 * The sixteen mixtures of our programs and those of Kata Containers 1.x. By hand: KATA_GO_DIR names a directory with kata-runtime,
 * kata-proxy, kata-shim and kata-agent of 1.x (docs/compatibility.md). KATA_GO_EXEC=no omits exec with 1.x's agent.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { busyboxRootfs } from '../support/busybox-image.ts';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Outcome } from '../support/run.ts';
import { stage, variant } from '../support/staged.ts';

const goDirectory = process.env['KATA_GO_DIR'];
const programs = ['runtime', 'proxy', 'shim', 'agent'] as const;
type Program = (typeof programs)[number];
type Mixture = Readonly<Record<Program, 'go' | 'ours'>>;

const mixtures: Mixture[] = Array.from({ length: 16 }, (_, bits) => {
  const makes = programs.map((program, index) => [program, bits & (1 << index) ? 'go' : 'ours'] as const);
  return Object.fromEntries(makes) as unknown as Mixture;
});
const nameOf = (mixture: Mixture): string => programs.map((program) => `${program} ${mixture[program]}`).join(', ');

const go = (program: Program): string => join(goDirectory ?? '', `kata-${program}`);
const share = (name: string): string => join(stage, 'usr/share/kata-containers', name);

/** The initrd with 1.x's agent in place of kata-agent and Node: 1.x's runtime waits only 20 s for a guest, also an emulated one. */
const goInitrd = `
set -e
mkdir root && cd root
zcat "$1" | cpio --quiet -id
rm -r usr/bin/node init && cp "$2" init
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
    host | host,*) set -- "$@" max ;;
    *) set -- "$@" "$argument" ;;
  esac
done
shift
exec ${qemu} "$@"
`;

describe('combinations with programs of Kata Containers 1.x', function () {
  this.timeout(300_000);
  let directory = '';
  /** 1.x's programs do not start without one. */
  let syslog: Server;
  const file = (name: string): string => join(directory, name);

  before(async function () {
    assert.ok(goDirectory, 'KATA_GO_DIR names the directory with the programs of 1.x');
    assert.deepEqual(leftovers(), []);
    directory = mkdtempSync(join(tmpdir(), 'kata-mix-'));
    const initrd = spawn('sh', ['-c', goInitrd, 'sh', share('kata-containers-initrd.img'), go('agent')], {
      cwd: directory,
      stdio: 'ignore',
    });
    assert.deepEqual(await once(initrd, 'exit'), [0, null]);
    writeFileSync(file('qemu'), qemuWrapper(join(stage, 'usr/bin/qemu-lite-system-x86_64')));
    chmodSync(file('qemu'), 0o755);
    mkdirSync(file('bundle/rootfs'), { recursive: true });
    await busyboxRootfs(directory, file('busybox.tar'));
    assert.equal((await run('mount', ['--make-rshared', '/'])).code, 0); // as systemd configures every machine: 1.x's share needs it
    syslog = createServer((connection) => connection.on('error', () => {}).resume()).listen('/run/syslog');
    assert.equal((await run('tar', ['-C', file('bundle/rootfs'), '-xf', file('busybox.tar')])).code, 0);
    writeFileSync(file('bundle/rootfs/bin/nine'), '#!/bin/sh\nexit 9\n', { mode: 0o755 }); // 1.x parses options after the id as its own
    writeSpec();
  });
  after(() => {
    syslog.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

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

  /** Echoes its standard input, and exits with 7 on SIGUSR1. */
  const script = `trap 'exit 7' USR1; cat; echo done >&2; while :; do sleep 0.1; done`;

  function writeSpec(): void {
    const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network'].map((type) => ({ type }));
    const spec = {
      ociVersion: '1.0.1',
      process: { args: ['sh', '-c', script], cwd: '/', env: ['PATH=/bin'], user: { uid: 0, gid: 0 }, capabilities: {} },
      root: { path: 'rootfs' },
      hostname: 'mixed',
      mounts: [
        { destination: '/proc', type: 'proc', source: 'proc' },
        { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] }, // the share has nodev
      ],
      linux: { namespaces, resources: {} },
    };
    writeFileSync(file('bundle/config.json'), JSON.stringify(spec));
  }

  async function tryMixture(mixture: Mixture, id: string): Promise<void> {
    const runtime = mixture.runtime === 'go' ? goRuntime(mixture) : ourRuntime(mixture);
    const kata = (...args: string[]): Promise<Outcome> => run(runtime, args);
    const [input, output, errors] = [randomBytes(3 << 20), file('out'), file('err')];
    writeFileSync(file('in'), input);
    const fds = [openSync(file('in'), 'r'), openSync(output, 'w'), openSync(errors, 'w')];
    const container = spawn(runtime, ['run', '--bundle', file('bundle'), id], { stdio: fds });
    for (const fd of fds) closeSync(fd);
    const exited = once(container, 'exit');
    try {
      const isDone = (): boolean => readFileSync(errors, 'utf8') !== '' && statSync(output).size === input.length;
      await until('the container has echoed its input', () => isDone() || container.exitCode !== null, 120_000);
      assert.equal(readFileSync(errors, 'utf8'), 'done\n');
      assert.ok(readFileSync(output).equals(input), 'output is input');
      assert.match(await good(kata('state', id)), /"status": "running"/);
      assert.match(await good(kata('ps', id)), /sleep|trap/);
      if (mixture.agent === 'ours' || process.env['KATA_GO_EXEC'] !== 'no') assert.equal((await kata('exec', id, 'nine')).code, 9);
      await good(kata('kill', id, 'USR1'));
      assert.deepEqual(await exited, [7, null]);
      assert.notEqual((await kata('state', id)).code, 0, 'run has deleted it');
    } finally {
      container.kill('SIGKILL');
      await kata('delete', '--force', id);
    }
  }

  mixtures.forEach((mixture, index) => it(nameOf(mixture), () => tryMixture(mixture, `mix-${process.pid}-${index}`)));
});
