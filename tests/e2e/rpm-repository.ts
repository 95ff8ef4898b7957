/** Repositories, and a root directory that dnf installs into. The packages of the machine are not used. */
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { Installation, must } from './package-installation.ts';

const builder = resolve(import.meta.dirname, '../../packaging/rpm/build.ts');

/** Base URL of the repositories. */
export const BASEURL = 'https://packages.example.com/kata';

export class RpmInstallation extends Installation {
  /** Builds the project's packages. The first build makes the tree, the next builds use it. */
  async build(name: string, release: string, stage?: string): Promise<void> {
    const staged = stage === undefined ? [] : ['--stage', stage];
    const address = ['--baseurl', `${BASEURL}/`];
    await must(process.execPath, [builder, '--release', release, ...staged, ...address, this.repository(name)]);
  }

  /** Builds a substitute for a package: `lines` belong to its preamble, `install` is a shell script that makes its files. */
  async standIn(repository: string, lines: readonly string[], install = ':', files = ''): Promise<void> {
    const work = mkdtempSync(join(this.directory, 'stand-in-'));
    const specification = join(work, 'stand-in.spec');
    const head = ['Release: 1', 'Summary: Stand-in', 'License: none', 'BuildArch: x86_64', 'AutoReqProv: no'];
    const text = `${[...lines, ...head].join('\n')}\n%description\nStand-in.\n%install\n${install}\n%files\n${files}\n`;
    writeFileSync(specification, text);
    mkdirSync(this.repository(repository), { recursive: true });
    const plain = ['debug_package %{nil}', '__os_install_post %{nil}', `_topdir ${work}`, `_rpmdir ${this.repository(repository)}`];
    await must('rpmbuild', ['-bb', '--quiet', '--target', 'x86_64', ...plain.flatMap((text) => ['--define', text]), specification]);
    await must('createrepo_c', ['--quiet', this.repository(repository)]);
  }

  /**
   * Substitutes for packages of a distribution: the libraries that Bun needs, a shell, and the programs of iproute and kmod. QEMU is
   * qemu-lite.
   */
  async distribution(packages: string): Promise<void> {
    const files = readdirSync(packages).map((name) => join(packages, name));
    const wanted = (await must('rpm', ['-qp', '--requires', ...files])).split('\n').filter((line) => /^(lib|ld-|rtld)/.test(line));
    const programs = ['ip', 'tc', 'modprobe'].map((name) => `/usr/sbin/${name}`);
    const provides = [...new Set([...wanted, ...programs])].map((line) => `Provides: ${line.trim()}`);
    const shell = 'mkdir -p %{buildroot}/bin && cp /bin/busybox %{buildroot}/bin/sh';
    await this.standIn('distribution', ['Name: base-system', 'Version: 1', ...provides], shell, '/bin/sh');
  }

  dnf(repositories: readonly string[], args: readonly string[]): Promise<Outcome> {
    const own = (name: string): string => `--setopt=${name}=${join(this.directory, name)}`;
    const from = repositories.map((name) => `--repofrompath=${name},file://${this.repository(name)}`);
    const options = ['-y', `--installroot=${this.root}`, '--releasever=9', '--disablerepo=*', '--noplugins', '--nogpgcheck'];
    const enabled = repositories.map((name) => `--enablerepo=${name}`);
    const places = [own('cachedir'), own('logdir'), own('persistdir'), '--setopt=reposdir=/nonexistent'];
    // dnf does not create the directories of its log.
    for (const name of ['cachedir', 'logdir', 'persistdir']) mkdirSync(join(this.directory, name), { recursive: true });
    return run('dnf', [...options, ...places, ...from, ...enabled, ...args], { timeoutMs: 120_000 });
  }

  async installed(): Promise<string[]> {
    const list = await must('rpm', ['--root', this.root, '-qa', '--qf', '%{NAME}-%{VERSION}-%{RELEASE}\n', 'kata-*', 'qemu-*']);
    return list.split('\n').filter(Boolean).sort();
  }
}
