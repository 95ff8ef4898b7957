/** seccomp profiles: docker's default and profiles of users, on runc and in a VM. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run as runProgram } from '../support/run.ts';
import { kataRuntime, stage, variant } from '../support/staged.ts';
import { until } from '../support/until.ts';

const MODE = 'grep Seccomp: /proc/self/status';
const FILTERED = 'Seccomp:\t2\n';
const UNFILTERED = 'Seccomp:\t0\n';
/** kexec_load, which no profile of an engine allows without capabilities, and a number that no kernel has. */
const CALLS = '246 1000';
const CALLED = `246: ${constants.errno.EPERM}\n1000: ${constants.errno.ENOSYS}\n`;

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
    await good(runProgram('gcc', ['-static', '-o', join(engine.directory, 'call'), join(import.meta.dirname, 'call.c')]));
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
    it(`${runtime}: calls that are newer than the profile do not exist, and other calls are refused`, async () => {
      const options = ['-d', '--name', 'calls', '--runtime', runtime, '-v', `${engine.directory}/call:/call:ro`];
      await good(engine.docker(['run', ...options, 'busybox', 'sh', '-c', `/call ${CALLS}; sleep 1000`]));
      await until('the first process has made the calls', async () => (await good(engine.docker(['logs', 'calls']))).endsWith(CALLED));
      assert.equal(await good(engine.docker(['exec', 'calls', 'sh', '-c', `/call ${CALLS}`])), CALLED);
      await good(engine.docker(['rm', '-f', 'calls']));
    });
    it(`${runtime}: no profile`, async () => assert.equal(await run(runtime, ['--security-opt', 'seccomp=unconfined'], MODE), UNFILTERED));
  }

  it('no profile is applied if the configuration disables them', async () => {
    assert.equal(await run('disabled', own(), `${MODE}; mkdir /x && echo made`), `${UNFILTERED}made\n`);
  });
});
