/** The components of a staged tree: npm libraries of the programs, Bun, and the Debian packages in image, kernel, crun and QEMU. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEngineVersions } from '../engine/notice.ts';
import { bundledLibraries } from '../rpm/bundled-libraries.ts';
import { linkedIntoCrun, linkedIntoQemu } from '../rpm/licences.ts';
import { readVersions } from '../rpm/versions.ts';
import type { Component } from './sbom.ts';

/** The source file that each program is bundled from. */
const bundles: Readonly<Record<string, string>> = {
  'kata-runtime': 'packages/runtime/src/main.ts',
  'kata-proxy': 'packages/proxy/src/main.ts',
  'kata-shim': 'packages/shim/src/main.ts',
  'kata-ksm-throttler': 'packages/ksm-throttler/src/main.ts',
  'kata-agent': 'packages/agent/src/main.ts',
};

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

function npmComponent(repository: string, directory: string, where: string): Component {
  const { name, version, license } = JSON.parse(readFileSync(join(repository, directory, 'package.json'), 'utf8')) as PackageJson;
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`;
  return { name, version, purl, where, ...(license !== undefined && { licence: license }) };
}

function debianComponent(name: string, version: string, where: string): Component {
  return { name, version, purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=amd64`, where };
}

/** The build machine has the version that was linked. */
const installedVersion = (name: string): string =>
  execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8' }).trim();

/** Bun, and the libraries under the LGPL that are linked into it. */
function engineComponents(where: string): Component[] {
  const { bun, webkit, tinycc } = readEngineVersions();
  const part = (
    name: string,
    version: string,
    licence: string,
    purl = `pkg:github/oven-sh/${name.toLowerCase()}@${version}`,
  ): Component => ({
    name,
    version,
    purl,
    where,
    licence,
  });
  return [
    part('bun', bun, 'MIT', `pkg:generic/bun@${bun}`),
    part('WebKit', webkit, 'LGPL-2.0-or-later AND BSD-2-Clause'),
    part('tinycc', tinycc, 'LGPL-2.1-or-later'),
  ];
}

/** Entries of the manifest that are not Debian packages. */
const others = ['crun', 'kata-agent'];

/** A Debian package is `name version` in the image's manifest. */
function imageComponents(share: string, where: string): Component[] {
  const manifest = JSON.parse(readFileSync(join(share, 'manifest.json'), 'utf8')) as readonly { readonly package: string }[];
  const names = [...new Set(manifest.map((entry) => entry.package))].map((line) => line.split(' '));
  return names.flatMap(([name = '', version = '']) => (others.includes(name) ? [] : [debianComponent(name, version, where)]));
}

export async function componentsOf(repository: string, stage: string): Promise<Component[]> {
  const share = join(stage, 'usr/share/kata-containers');
  const versions = readVersions(repository, stage);
  const crun =
    /^crun version (\S+)/.exec(execFileSync(join(repository, '.cache/crun/crun'), ['--version'], { encoding: 'utf8' }))?.[1] ?? '';
  const npm: Component[] = [];
  for (const [where, entry] of Object.entries(bundles))
    for (const directory of await bundledLibraries([entry])) npm.push(npmComponent(repository, directory, where));
  const image = 'image and initrd of the guest';
  return [
    ...npm,
    ...engineComponents('usr/libexec/kata-containers/engine'),
    ...engineComponents(image),
    ...imageComponents(share, image),
    {
      name: 'linux',
      version: versions.kernel,
      purl: `pkg:generic/linux@${versions.kernel}`,
      where: 'kernel of the guest',
      licence: 'GPL-2.0-only WITH Linux-syscall-note',
    },
    { name: 'crun', version: crun, purl: `pkg:generic/crun@${crun}`, where: image, licence: 'GPL-2.0-or-later' },
    { name: 'qemu', version: versions.qemu, purl: `pkg:generic/qemu@${versions.qemu}`, where: 'qemu-lite', licence: 'GPL-2.0-only' },
    ...linkedIntoCrun.map((name) => debianComponent(name, installedVersion(name), 'crun')),
    ...linkedIntoQemu.map((name) => debianComponent(name, installedVersion(name), 'qemu-lite')),
  ];
}
