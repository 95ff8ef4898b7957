/** Hosts that lack what a part of the confinement needs: the error of create names the setting that disables the part. */
import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WAITING_SHIM } from '../../packages/common/src/command-lines/shim-command-line.ts';
import { leftovers } from '../support/leftovers.ts';
import { SHIM } from '../support/process.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { RUNTIME, RuntimeRig, fake } from './runtime-rig.ts';

// Numbers of system calls on x86-64.
const [SETUID, CAPSET, PIVOT_ROOT, SECCOMP] = [105, 126, 155, 317];
/** What the rig disables for its fakes. */
const shipped = { 'hypervisor.qemu.qemu_own_root': true, 'hypervisor.qemu.qemu_capabilities': ['CHOWN'] };

describe('kata-runtime create on a host that does not support a part of the confinement', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** kata-runtime on a kernel without these system calls. */
  const withoutCalls = (calls: readonly number[], ...args: string[]): Promise<Outcome> =>
    run('sh', [
      ...['-c', `exec ${fake('without-calls.ts')} "$@"`, 'sh', calls.join()],
      ...[RUNTIME, '--kata-config', rig.scratch.file('c.toml'), ...args],
    ]);

  /** @returns the output of a failed create on a kernel without these system calls */
  async function failure(...calls: number[]): Promise<string> {
    const { code, stdout, stderr } = await withoutCalls(calls, 'create', '--bundle', rig.scratch.file('bundle'), rig.id);
    assert.deepEqual([code, stdout], [1, '']);
    return stderr;
  }

  const withoutRoot = 'QEMU cannot have a root directory and namespaces of its own';
  const cases: [what: string, call: number, text: string, setting: string][] = [
    ['seccomp', SECCOMP, 'the system calls of QEMU cannot be filtered (seccomp', 'seccompsandbox = "" in [hypervisor.qemu]'],
    ['an own root directory', PIVOT_ROOT, `${withoutRoot} (pivot_root`, 'qemu_own_root = false in [hypervisor.qemu]'],
    ['capabilities', CAPSET, 'the capabilities of QEMU cannot be limited (capset', 'qemu_capabilities = ["ALL"] in [hypervisor.qemu]'],
  ];
  for (const [what, call, text, setting] of cases)
    it(what, async () => {
      rig.prepare({ configuration: shipped });
      const error = await failure(call);
      assert.ok(error.startsWith(text) && error.includes(`(ENOSYS)); set ${setting} to run `), error);
    });

  /** In a chroot that has everything of the host except /run; afterwards the files below its /run are printed. */
  function createInChroot(kind: 'mount point' | 'plain directory'): Promise<Outcome> {
    const root = rig.scratch.file('root');
    const script = `mkdir $0; ${kind === 'mount point' ? 'mount -t tmpfs tmpfs $0;' : ''}
for name in $(ls / | grep -vx run); do
  if [ -h /$name ]; then cp -P /$name $0; elif [ -d /$name ]; then mkdir $0/$name; mount --rbind /$name $0/$name; fi
done
mkdir $0/run; chroot $0 "$@"; code=$?; find $0/run ! -type d; ls $0/run/vc/sbs; exit $code`;
    const command = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), 'create', '--bundle', rig.scratch.file('bundle'), rig.id];
    return run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, root, ...command]);
  }
  for (const kind of ['plain directory', 'mount point'] as const)
    it(`a runtime in a chroot, to a ${kind}`, async () => {
      rig.prepare({ configuration: shipped });
      const { code, stdout, stderr } = await createInChroot(kind);
      assert.deepEqual([code, stdout], [1, '']);
      const reason = 'kata-runtime is in a chroot: its root directory is not the root of its mount namespace';
      assert.equal(stderr, `${withoutRoot} (${reason}); set qemu_own_root = false in [hypervisor.qemu] to run without them\n`);
    });

  it('seccomp, for kata-proxy and kata-shim', async () => {
    const withoutFilter = { ...shipped, 'hypervisor.qemu.seccompsandbox': '' };
    rig.prepare({ configuration: withoutFilter });
    assert.match(
      await failure(SECCOMP),
      /^kata-proxy cannot be confined \(seccomp .*; set confine = false in \[proxy\.kata\] to run it unconfined$/m,
    );
    rig.prepare({ configuration: { 'hypervisor.qemu.seccompsandbox': '', 'proxy.kata.confine': false } });
    assert.match(
      await failure(SECCOMP),
      /^kata-shim cannot be confined \(seccomp .*; set confine = false in \[shim\.kata\] to run it unconfined$/m,
    );
  });

  it('another user than root, for kata-shim: create and exec name the error of kata-shim', async () => {
    const shim = join(import.meta.dirname, '../../packages', SHIM);
    const configuration = { 'hypervisor.qemu.seccompsandbox': '', 'proxy.kata.confine': false };
    const error =
      /^kata-shim did not start: the process cannot be confined \(.*ENOSYS.*\); set confine = false in \[shim\.kata\] to run it unconfined\n$/;
    rig.prepare({ configuration: { ...configuration, 'shim.kata.path': shim } });
    assert.match(await failure(SETUID), error);
    assert.deepEqual(leftovers(), []);

    rig.prepare({ configuration });
    assert.equal((await rig.create()).code, 0);
    await rig.kata('start', rig.id);
    writeFileSync(rig.scratch.file('kata-shim'), `#!/bin/sh\n# ${WAITING_SHIM}\nexec ${shim} "$@"\n`);
    const { code, stderr } = await withoutCalls([SETUID], 'exec', '--detach', '--pid-file', rig.scratch.file('exec-pid'), rig.id, 'true');
    assert.equal(code, 1);
    assert.match(stderr, error);
    assert.ok(!existsSync(rig.scratch.file('exec-pid')));
    assert.match(rig.calls().at(-1) ?? '', /^signalProcess .*"signal":9/);
  });

  const virtioFs = (virtiofsd: string): Record<string, string> => ({
    'hypervisor.qemu.shared_fs': 'virtio-fs',
    'hypervisor.qemu.virtio_fs_daemon': rig.executable('virtiofsd', virtiofsd),
  });
  it('another user than root', async () => {
    rig.prepare({ configuration: { ...shipped, ...virtioFs('exec sleep 1000') } });
    const setting = 'qemu_unprivileged = false in [hypervisor.qemu]';
    const error = await failure(SETUID);
    assert.ok(error.startsWith('QEMU cannot have a user of its own (') && error.endsWith(`; set ${setting} to run it as root\n`), error);
  });
  for (const words of ['unshare(CLONE_NEWPID | CLONE_NEWNS): Operation not permitted', 'Error entering sandbox: Unshare(Os)'])
    it(`virtiofsd: ${words}`, async () => {
      rig.prepare({ configuration: virtioFs(`echo '${words}'; exit 1`) });
      const { code, stderr } = await rig.create();
      assert.equal(code, 1);
      assert.ok(stderr.includes(`${words} (set virtio_fs_sandbox = "chroot" in [hypervisor.qemu] to run without them)`), stderr);
    });
  it("QEMU's own filter", async () => {
    const words = "qemu: -sandbox on: There is no option group 'sandbox'";
    rig.prepare({ configuration: { 'hypervisor.qemu.path': rig.executable('other-qemu', `echo "${words}"; exit 1`) } });
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.ok(stderr.includes(`${words} (set seccompsandbox = "" in [hypervisor.qemu] to run without the filter)`), stderr);
  });
});
