/** The packages for Debian as a new user meets them: trust, install, use, upgrade, remove, purge. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers } from '../support/leftovers.ts';
import type { Outcome } from '../support/run.ts';
import { removeTemplates } from '../support/templates.ts';
import { DebInstallation } from './deb-repository.ts';
import { must, upgradeWithContainer, useCases } from './package-installation.ts';

const kata = ['containers-image', 'engine', 'ksm-throttler', 'linux-container', 'proxy', 'proxy-bin', 'runtime', 'shim', 'shim-bin'];
const names = [...kata.map((name) => `kata-${name}`), 'qemu-lite', 'qemu-lite-bin', 'qemu-lite-data'];

describe('packages for Debian', function () {
  this.timeout(600_000);
  this.bail(true);
  let installation: DebInstallation;

  before(async () => {
    assert.deepEqual(leftovers(), [], 'the machine is clean before');
    await removeTemplates(process.pid);
    installation = new DebInstallation();
    await installation.prepare();
    await installation.build('older', '1');
    await installation.distribution();
  });
  after(async () => {
    await installation.stopEngine();
    installation.remove();
    assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
  });
  const good = ({ code, stdout, stderr }: Outcome): string => {
    assert.equal(code, 0, stdout + stderr);
    return stdout + stderr;
  };
  /** Files in the root directory, without dpkg's own and the shell of the distribution. */
  const files = async (): Promise<string[]> => {
    const found = await must('find', [installation.root, '-type', 'f', '-printf', '/%P\n']);
    return found.split('\n').filter((path) => path !== '' && path !== '/bin/sh' && !path.startsWith('/var/lib/dpkg/'));
  };

  it('are refused when the signature is not of the key', async () => {
    const { code, stdout, stderr } = await installation.update('older', installation.key('other'));
    assert.equal(code, 100, stdout + stderr);
    assert.match(stderr, /^E: The repository .*older \.\/ InRelease' is not signed\.$/m);
  });

  it('cannot be installed without QEMU, and the reason is reported', async () => {
    good(await installation.update('older'));
    const { code, stdout } = await installation.apt('install', 'kata-runtime', 'qemu-lite-');
    assert.equal(code, 100);
    assert.match(stdout, /kata-runtime : Depends: qemu-lite .*or\n.*qemu-system-x86/);
  });

  it('apt-get install kata-runtime installs all of them, and the programs of Debian', async () => {
    good(await installation.apt('install', 'base-system'));
    good(await installation.apt('install', 'kata-runtime'));
    const installed = await installation.installed();
    assert.deepEqual(installed.map((line) => line.replace(/ \S+-1 ii$/, '')), names); // prettier-ignore
    for (const name of ['iproute2', 'kmod'])
      assert.match(await must('dpkg-query', [`--admindir=${installation.root}/var/lib/dpkg`, '-s', name]), /^Status: install ok/m);
  });

  it('have the checksums of their files', async () => {
    assert.equal(await must('dpkg', [`--root=${installation.root}`, '--verify']), '');
  });

  useCases(() => installation);

  it('an upgrade leaves a running container alive and reachable', () =>
    upgradeWithContainer(installation, async () => {
      await installation.build('newer', '2');
      good(await installation.update('newer'));
      good(await installation.apt('upgrade'));
      for (const line of await installation.installed()) assert.match(line, /-2 ii$/);
    }));

  it('a removal warns of sandboxes, and with a purge only edited configuration is left', async () => {
    await installation.stopEngine();
    const edited = '/etc/kata-containers/configuration.toml';
    mkdirSync(join(installation.root, edited, '..'), { recursive: true });
    writeFileSync(join(installation.root, edited), '# edited\n');
    mkdirSync(join(installation.root, 'run/vc/sbs/left-running'), { recursive: true });
    const said = good(await installation.apt('remove', 'kata-*', 'qemu-lite*'));
    assert.match(said, /warning: sandbox left-running exists, and cannot be deleted without kata-runtime/);
    good(await installation.apt('purge', 'kata-*', 'qemu-lite*'));
    assert.deepEqual(await installation.installed(), []);
    assert.deepEqual(await files(), [edited]);
  });
});
