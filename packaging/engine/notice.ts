/**
 * The notice for a program that contains Bun. The licences of JavaScriptCore and TinyCC, which are linked into Bun, require it (LGPL-2,
 * section 6).
 */
import { execFileSync } from 'node:child_process';
import { bun } from './install.ts';

/** The versions that Bun reports. Revisions are commits. */
export interface EngineVersions {
  readonly bun: string;
  readonly revision: string;
  readonly webkit: string;
  readonly tinycc: string;
}

export function readEngineVersions(): EngineVersions {
  const script =
    'const { bun, webkit, tinycc } = process.versions; console.log(JSON.stringify({ bun, webkit, tinycc, revision: Bun.revision }))';
  return JSON.parse(execFileSync(bun, ['-e', script], { encoding: 'utf8', env: {} })) as EngineVersions;
}

/** Other libraries in Bun, by licence, as LICENSE.md of Bun's sources lists them. */
const others: readonly [licence: string, libraries: string][] = [
  ['MIT', 'brotli, c-ares, libdeflate, ls-hpack, ls-qpack, lsquic (parts BSD-3-Clause), mimalloc, picohttpparser, uucode, polyfills'],
  ['Apache-2.0', 'highway, simdutf, uSockets, uWebSockets, parts of TigerBeetle and LLVM (with LLVM exception)'],
  ['BSD-2-Clause', 'libbase64, libspng, parts of WebKit'],
  ['BSD-3-Clause', 'libjpeg-turbo (parts IJG, Zlib), libwebp, lol-html, zstd'],
  ['Zlib', 'zlib-ng'],
  ['Unicode-3.0', 'ICU'],
  ['several', 'boringssl, libarchive'],
];

/** An executable that contains Bun. Paths are relative to the installation. */
export interface EngineExecutable {
  readonly path: string;
  /** Names of its programs. */
  readonly programs: string;
  /** How to make and install the executable with another Bun. */
  readonly make: string;
}

export const hostExecutable: EngineExecutable = {
  path: 'libexec/kata-containers/engine/kata-runtime',
  programs: 'kata-runtime, kata-proxy, kata-shim and kata-ksm-throttler',
  make: `Run "npx nx run runtime:build", and replace the installed program by
     packages/runtime/dist/libexec/kata-containers/engine/kata-runtime.`,
};

export const guestExecutable: EngineExecutable = {
  path: 'usr/libexec/kata-containers/engine/kata-agent in the image and the initrd',
  programs: 'kata-agent',
  make: `Run "npm run stage -- DIR", and replace the installed image and initrd by those in
     DIR/usr/share/kata-containers.`,
};

/** Text for a directory with the files that it names (packaging/rpm/licences.ts). Pure. */
export const engineNotice = (
  { bun, revision, webkit, tinycc }: EngineVersions,
  { path, programs, make }: EngineExecutable,
): string => `Kata Containers contains Bun ${bun}

The program ${path} consists of
${programs} (Apache-2.0, file LICENSE) and Bun
(MIT, below). Two libraries in Bun, linked statically, and their use are covered by:

  JavaScriptCore, a part of WebKit   GNU Library General Public License, version 2 or later (file LGPL-2)
  TinyCC                             GNU Lesser General Public License, version 2.1 or later (file LGPL-2.1)

You may change these libraries, use the program with the changed libraries, and reverse-engineer
the program to debug your changes. Other libraries in Bun:

${others.map(([licence, libraries]) => `  ${`${licence}:`.padEnd(14)} ${libraries}`).join('\n')}

node.LICENSE has the texts of many of them, Bun's sources have all.

Sources of these versions:

  Bun              https://github.com/oven-sh/bun, tag bun-v${bun}, commit ${revision}
  JavaScriptCore   https://github.com/oven-sh/WebKit, commit ${webkit}
  TinyCC           https://github.com/oven-sh/tinycc, commit ${tinycc}
  the programs     the sources of this version of Kata Containers

To make the program with a changed library:

  1. Build Bun with the library, as LICENSE.md and CONTRIBUTING.md of its sources describe.
  2. In the sources of Kata Containers, run tools/setup.sh, and replace the file
     node_modules/@oven/bun-linux-x64-baseline/bin/bun by the one that you have built.
  3. ${make}

MIT licence of Bun, https://bun.com

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`;
