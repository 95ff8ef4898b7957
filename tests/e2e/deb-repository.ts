/** apt repositories, and a root directory that apt installs into. The packages and settings of the machine are not used. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { Installation, must } from './package-installation.ts';

const repository = resolve(import.meta.dirname, '../..');
const script = (path: string): string => join(repository, path);

/** Packages of Debian 12 on which ours depend, and their versions. */
const debian: Readonly<Record<string, string>> = {
  iproute2: '6.1.0-3',
  kmod: '30+20221128-1',
  libc6: '2.36-9',
};

export class DebInstallation extends Installation {
  readonly #stage = join(this.directory, 'stage');
  readonly #environment = { ...process.env, GNUPGHOME: join(this.directory, 'gnupg'), APT_CONFIG: join(this.directory, 'apt.conf') };
  readonly #sources = join(this.directory, 'sources.list');

  /** Lays out the tree of the packages, makes a key and an empty root directory. */
  async prepare(): Promise<void> {
    await must(process.execPath, [script('tools/stage.ts'), '--packages', this.#stage]);
    mkdirSync(this.#environment.GNUPGHOME, { mode: 0o700 });
    for (const user of ['packages@example.com', 'other@example.com'])
      await this.#gpg('--passphrase', '', '--quick-generate-key', user, 'ed25519', 'sign', 'never');
    await this.#gpg('--output', this.key('other'), '--export', 'other@example.com');
    for (const path of ['info', 'updates', 'triggers']) mkdirSync(join(this.root, 'var/lib/dpkg', path), { recursive: true });
    for (const path of ['status', 'available']) writeFileSync(join(this.root, 'var/lib/dpkg', path), '');
    for (const path of ['state/lists/partial', 'cache/archives/partial', 'log', 'etc/apt.conf.d', 'etc/preferences.d'])
      mkdirSync(join(this.directory, path), { recursive: true });
    writeFileSync(this.#environment.APT_CONFIG, this.#settings());
  }

  /** File with the public key of a repository, or of nobody (`other`). */
  key(name: string): string {
    return join(name === 'other' ? this.directory : this.repository(name), 'kata-containers.gpg');
  }

  /** Builds the project's packages, and signs the repository. */
  async build(name: string, release: string): Promise<void> {
    const options = ['--stage', this.#stage, '--release', release, '--sign', 'packages@example.com', '--uncompressed'];
    await must(process.execPath, [script('packaging/deb/build.ts'), ...options, this.repository(name)], this.#environment);
  }

  /** Substitutes for packages of a distribution, one of which has the shell that maintainer scripts need. */
  async distribution(): Promise<void> {
    const output = this.repository('distribution');
    mkdirSync(output, { recursive: true });
    for (const [name, version] of Object.entries({ ...debian, 'base-system': '1' })) {
      const tree = mkdtempSync(join(this.directory, 'stand-in-'));
      mkdirSync(join(tree, 'DEBIAN'));
      // dpkg forgets a package whose last file another package has, too.
      mkdirSync(join(tree, 'usr/share/doc', name), { recursive: true });
      if (name === 'base-system') await must('install', ['-D', '/bin/busybox', join(tree, 'bin/sh')]);
      const control = { Package: name, Version: version, Architecture: 'amd64', Maintainer: 'none', Description: 'stand-in' };
      const lines = Object.entries(control).map(([field, value]) => `${field}: ${value}\n`);
      writeFileSync(join(tree, 'DEBIAN/control'), lines.join(''));
      await must('dpkg-deb', ['--root-owner-group', '--build', tree, output]);
    }
    await must('sh', ['-c', `cd ${output} && apt-ftparchive packages . >Packages`]);
  }

  /** Runs `apt-get update` with the distribution, and a repository whose signature must be of this key. */
  update(name: string, key = this.key(name)): Promise<Outcome> {
    const distribution = `deb [trusted=yes] file:${this.repository('distribution')} ./\n`;
    writeFileSync(this.#sources, `${distribution}deb [signed-by=${key}] file:${this.repository(name)} ./\n`);
    return this.apt('update');
  }

  apt(...args: string[]): Promise<Outcome> {
    return run('apt-get', ['-y', ...args], { timeoutMs: 120_000 }, this.#environment);
  }

  /** Lines `NAME VERSION STATUS`, for example `kata-shim 1.13.0-1 ii`. */
  async installed(): Promise<string[]> {
    const format = '${Package} ${Version} ${db:Status-Abbrev}\n';
    const { stdout } = await run('dpkg-query', [`--admindir=${this.root}/var/lib/dpkg`, '-W', '-f', format, 'kata-*', 'qemu-*']);
    return stdout
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.endsWith(' un')) // dpkg lists the names of dependencies, too
      .sort();
  }

  override async stopEngine(): Promise<void> {
    await super.stopEngine();
    await run('gpgconf', ['--kill', 'all'], {}, this.#environment);
  }

  #gpg(...args: string[]): Promise<string> {
    return must('gpg', ['--batch', '--quiet', ...args], this.#environment);
  }

  #settings(): string {
    const { directory, root } = this;
    const settings = {
      'APT::Architecture': 'amd64',
      'APT::Architectures': 'amd64',
      'APT::Sandbox::User': 'root',
      'Dir::State': join(directory, 'state'),
      'Dir::State::status': join(root, 'var/lib/dpkg/status'),
      'Dir::Cache': join(directory, 'cache'),
      'Dir::Log': join(directory, 'log'),
      'Dir::Etc': join(directory, 'etc'),
      'Dir::Etc::SourceList': this.#sources,
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    return `${lines.join('')}DPkg::Options { "--root=${root}"; "--force-unsafe-io"; };\n`;
  }
}
