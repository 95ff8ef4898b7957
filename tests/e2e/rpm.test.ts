/** The packages as a new user meets them: install, use, upgrade, replace a part, remove. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { leftovers } from '../support/leftovers.ts';
import { removeTemplates } from '../support/templates.ts';
import { must, upgradeWithContainer, useCases } from './package-installation.ts';
import { BASEURL, RpmInstallation } from './rpm-repository.ts';

const stage = resolve(import.meta.dirname, '../../.cache/rpm-stage');
const guide = ['kata-runtime', 'kata-proxy', 'kata-shim'];
const qemu = ['qemu-lite', 'qemu-lite-bin', 'qemu-lite-data'];

const sums = (directory: string): string[] =>
  readdirSync(directory)
    .sort()
    .map(
      (name) =>
        `${name} ${createHash('sha256')
          .update(readFileSync(join(directory, name)))
          .digest('hex')}`,
    );

describe('RPM packages', function () {
  this.timeout(240_000);
  this.bail(true);
  let installation: RpmInstallation;

  before(async () => {
    assert.deepEqual(leftovers(), [], 'the machine is clean before');
    await removeTemplates(process.pid);
    installation = new RpmInstallation();
    await installation.build('older', '1');
    await installation.distribution(join(installation.repository('older'), 'x86_64'));
  });
  after(async () => {
    await installation.stopEngine();
    installation.remove();
    assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
  });

  it('have the same bytes when they are built again', async () => {
    await installation.build('again', '1', stage);
    const [first, second] = ['older', 'again'].map((name) => sums(join(installation.repository(name), 'x86_64')));
    assert.deepEqual(first, second);
    assert.equal(first?.length, 12);
    const [lists, sameLists] = ['older', 'again'].map((name) => sums(join(installation.repository(name), 'repodata')));
    assert.deepEqual(lists, sameLists);
  });

  it('have a .repo file with the address that they are served from', () => {
    const text = readFileSync(join(installation.repository('older'), 'kata-containers.repo'), 'utf8');
    assert.equal(text, `[kata-containers]\nname=Kata Containers\nbaseurl=${BASEURL}\nenabled=1\ngpgcheck=0\n`);
  });

  it('have no comments in scriptlets, enable no unit, and have a manual page for each program', async () => {
    const directory = join(installation.repository('older'), 'x86_64');
    const files = readdirSync(directory).map((name) => join(directory, name));
    const scripts = await must('rpm', ['-qp', '--scripts', ...files]);
    assert.match(scripts, /daemon-reload/);
    assert.doesNotMatch(scripts, /^\s*#|preset|systemctl enable/m);
    const contents = (await must('rpm', ['-qlp', ...files])).split('\n');
    for (const name of ['kata-runtime', 'kata-proxy', 'kata-shim', 'kata-ksm-throttler', 'kata-collect-data.sh'])
      assert.ok(contents.includes(`/usr/share/man/man8/${name}.8`), name);
    assert.ok(contents.includes('/usr/share/doc/kata-runtime/docs/install.md'));
  });

  it('cannot be installed without QEMU, and the reason is reported', async () => {
    const { code, stdout, stderr } = await installation.dnf(['distribution', 'older'], ['install', '--exclude=qemu-*', ...guide]);
    assert.equal(code, 1);
    assert.match(stdout + stderr, /qemu-vanilla or/);
  });

  it("the guide's command installs all of them, in place of a Node.js of earlier packages", async () => {
    const node = '/usr/libexec/kata-containers/node';
    const program = `mkdir -p %{buildroot}${node.replace(/\/[^/]+$/, '')}\ntouch %{buildroot}${node}`;
    await installation.standIn('earlier', ['Name: kata-nodejs', 'Version: 26.10.0'], program, node);
    assert.equal((await installation.dnf(['earlier'], ['install', 'kata-nodejs'])).code, 0);
    const { code, stdout, stderr } = await installation.dnf(['distribution', 'older'], ['install', ...guide]);
    assert.equal(code, 0, stdout + stderr);
    const names = (await installation.installed()).map((name) => /^(.*)-[^-]+-[^-]+$/.exec(name)?.[1]);
    const others = ['kata-containers-image', 'kata-engine', 'kata-ksm-throttler', 'kata-linux-container', ...qemu];
    assert.deepEqual(names, [...guide, ...others, 'kata-proxy-bin', 'kata-shim-bin'].sort());
  });

  useCases(() => installation);

  it('kata-collect-data.sh has every section, and no secret', async () => {
    const secret = join(installation.root, 'usr/share/defaults/kata-containers/config.d');
    mkdirSync(secret, { recursive: true });
    writeFileSync(join(secret, 'a.toml'), '# password = "hunter2"\n');
    const script = join(installation.root, 'usr/bin/kata-collect-data.sh');
    const { code, stdout, stderr } = await installation.inside('sh', script);
    assert.equal(code, 0, stderr);
    rmSync(secret, { recursive: true });
    const sections = ['Meta details', 'Runtime', 'Runtime configuration files', 'KSM throttler', 'Image and initrd'];
    for (const name of [...sections, 'Kata Containers logs', 'Container managers', 'Packages'])
      assert.match(stdout, new RegExp(`^# ${name}$`, 'm'));
    assert.match(stdout, /# password = \[left out\]/);
    assert.doesNotMatch(stdout, /hunter2/);
  });

  it('an upgrade leaves a running container alive and reachable', () =>
    upgradeWithContainer(installation, async () => {
      await installation.build('newer', '2', stage);
      const { code, stdout, stderr } = await installation.dnf(['distribution', 'newer'], ['upgrade']);
      assert.equal(code, 0, stdout + stderr);
      for (const name of await installation.installed()) assert.match(name, /-2$/);
    }));

  it('a proxy of another version can be installed, and kata-check --strict reports it', async () => {
    const path = '/usr/libexec/kata-containers/kata-proxy';
    const program = `mkdir -p %{buildroot}${path.replace(/\/[^/]+$/, '')}\nprintf '#!/bin/sh\\necho kata-proxy version 1.12.9\\n' > %{buildroot}${path}`;
    await installation.standIn('swap', ['Name: kata-proxy-bin', 'Version: 1.12.9'], program, `%attr(0755,root,root) ${path}`);
    const before = await installation.installed();
    const { code, stdout, stderr } = await installation.dnf(['distribution', 'newer', 'swap'], ['install', 'kata-proxy-bin-1.12.9']);
    assert.equal(code, 0, stdout + stderr);
    const changed = (await installation.installed()).filter((name) => !before.includes(name));
    assert.deepEqual(changed, ['kata-proxy-bin-1.12.9-1']);
    const strict = await installation.inside('/usr/bin/kata-runtime', 'kata-check', '--strict');
    assert.equal(strict.code, 1);
    assert.match(strict.stdout + strict.stderr, /version inconsistency.*kata-proxy: v1\.12\.9/);
  });

  it('removing them leaves only edited configuration', async () => {
    await installation.stopEngine();
    const edited = join(installation.root, 'etc/kata-containers/configuration.toml');
    mkdirSync(join(edited, '..'), { recursive: true });
    writeFileSync(edited, '# edited\n');
    mkdirSync(join(installation.root, 'run/vc/sbs/left-running'), { recursive: true });
    const { code, stdout, stderr } = await installation.dnf(['distribution'], ['remove', 'kata-*', 'qemu-*']);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout + stderr, /warning: sandbox left-running exists, and cannot be deleted without kata-runtime/);
    assert.deepEqual(await installation.installed(), []);
    const places = ['usr', 'etc'].map((name) => join(installation.root, name));
    assert.equal(await must('find', [...places, '-type', 'f']), `${edited}\n`);
    assert.ok(!existsSync(join(installation.root, 'usr/libexec/kata-containers')));
  });
});
