/** Tags that lintian must not report for our packages, each with its reason (lintian(1), overrides). Pure. */

const everywhere: readonly (readonly [tag: string, reason: string])[] = [
  ['initial-upload-closes-no-bugs', 'The packages are in their own repository, not in Debian.'],
];
const scripts: readonly (readonly [tag: string, reason: string])[] = [
  ['maintainer-script-calls-systemctl', 'Debhelper would write the same; the scriptlets are shared with the RPMs.'],
  ['command-with-path-in-maintainer-script', 'A host without systemd has no such file.'],
];
const launcher: readonly (readonly [tag: string, reason: string])[] = [
  ['statically-linked-binary', 'The launcher starts without searching for libraries.'],
];
const empty: readonly (readonly [tag: string, reason: string])[] = [
  ['empty-binary-package', 'The package requires the package with the program.'],
];

const own: Readonly<Record<string, readonly (readonly [tag: string, reason: string])[]>> = {
  'kata-containers-image': [
    ['old-fsf-address-in-copyright-file', 'The texts are those of the programs in the image.'],
    ['copyright-file-contains-full-apache-2-license', 'As above.'],
    ['copyright-file-contains-full-gfdl-license', 'As above.'],
  ],
  'kata-engine': [
    ['unstripped-binary-or-object', 'The program contains the Bun that its project has published, with code after it.'],
    ['hardening-no-pie', 'As above.'],
    ['hardening-no-relro', 'As above.'],
    ['embedded-library', 'As above.'],
    ['copyright-file-contains-full-apache-2-license', 'Node.js has the licence texts of libraries that are also in Bun.'],
    ['old-fsf-address-in-copyright-file', 'As above.'],
  ],
  'kata-ksm-throttler': [...scripts, ...launcher],
  'kata-proxy': empty,
  'kata-proxy-bin': launcher,
  'kata-runtime': [...scripts, ...launcher, ['script-with-language-extension', 'The name is from Kata Containers 1.x.']],
  'kata-shim': empty,
  'kata-shim-bin': launcher,
  'qemu-lite': empty,
  'qemu-lite-bin': [
    ['embedded-library', 'The program is static.'],
    ['statically-linked-binary', 'As above.'],
    ['shared-library-lacks-prerequisites', 'A static program that can be loaded at any address.'],
    ['no-manual-page', 'kata-runtime starts the program.'],
  ],
};

/** The file for /usr/share/lintian/overrides. */
export const lintianOverrides = (name: string): string =>
  [...everywhere, ...(own[name] ?? [])].map(([tag, reason]) => `# ${reason}\n${name}: ${tag}\n`).join('');
