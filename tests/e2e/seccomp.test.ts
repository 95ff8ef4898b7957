/** seccomp profiles: docker's default and profiles of users, on runc and in a VM. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime, stage, variant } from '../support/staged.ts';

const MODE = 'grep Seccomp: /proc/self/status';
const FILTERED = 'Seccomp:\t2\n';
const UNFILTERED = 'Seccomp:\t0\n';

describe('seccomp profiles', function () {
  this.timeout(60_000);
  let engine: Engine;
  onCleanMachine(async () => {
    const disabled = variant(stage, 'kata-without-seccomp', (toml) =>
      toml.replace('disable_guest_seccomp = false', 'disable_guest_seccomp = true'),
    );
    return (engine = await Engine.start({ 'kata-runtime': kataRuntime, disabled }, 'kata-runtime'));
  });
  before(async () => {
    const rules = [
      { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO', errnoRet: 17 }, // EEXIST
      { names: ['sethostname'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 }, // succeeds, and does nothing
    ];
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', architectures: ['SCMP_ARCH_X86_64'], syscalls: rules };
    writeFileSync(join(engine.directory, 'profile.json'), JSON.stringify(profile));
  });

  const run = (runtime: string, options: readonly string[], script: string): Promise<string> =>
    good(engine.docker(['run', '--rm', '--runtime', runtime, ...options, 'busybox', 'sh', '-c', script]));
  const own = (): string[] => ['--security-opt', `seccomp=${join(engine.directory, 'profile.json')}`];

  for (const runtime of ['runc', 'kata-runtime']) {
    it(`${runtime}: the engine's own profile`, async () => {
      const tries = 'unshare -U true 2>/dev/null || echo refused; sleep 0 && echo threads and processes';
      assert.equal(await run(runtime, [], `${MODE}; ${tries}`), `${FILTERED}refused\nthreads and processes\n`);
    });
    it(`${runtime}: a profile of the user, with its error numbers, for the first and further processes`, async () => {
      const name = `profile-${runtime}`;
      const script = 'mkdir /x 2>&1; hostname other && hostname';
      const expected = "mkdir: can't create directory '/x': File exists\nhost\n";
      const options = ['--hostname', 'host', '--cap-add', 'SYS_ADMIN', ...own()];
      await good(engine.docker(['run', '-d', '--name', name, '--runtime', runtime, ...options, 'busybox', 'sleep', '1000']));
      assert.equal(await good(engine.docker(['exec', name, 'sh', '-c', script])), expected);
      assert.equal(await run(runtime, options, script), expected);
      await good(engine.docker(['rm', '-f', name]));
    });
    it(`${runtime}: no profile`, async () => assert.equal(await run(runtime, ['--security-opt', 'seccomp=unconfined'], MODE), UNFILTERED));
  }

  it('no profile is applied if the configuration disables them', async () => {
    assert.equal(await run('disabled', own(), `${MODE}; mkdir /x && echo made`), `${UNFILTERED}made\n`);
  });
});
