/** Command lines of the two programs named virtiofsd: QEMU's, in 1.x's order, and its successor in Rust. Pure. */

/** `qemu`: part of QEMU 4.2 to 7. `rust`: its successor, which accepted QEMU's options for some versions. */
export type VirtiofsdKind = 'qemu' | 'rust';

/** Determined from the first line of `--version`: "virtiofsd version 7.2.22 (Debian …)", or "virtiofsd 1.13.2". */
export const virtiofsdKind = (version: string): VirtiofsdKind => (/\bversion \d/.test(version) ? 'qemu' : 'rust');

/** The virtiofsd of QEMU before 5.2 lacks this option and always uses namespaces. */
export function takesSandbox(version: string): boolean {
  const [, major = '9', minor = '0'] = /\bversion (\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 2);
}

export interface VirtiofsdOptions {
  readonly kind: VirtiofsdKind;
  /** Directory that is shared. */
  readonly source: string;
  /** `none`, `auto` or `always`; empty is `none`. */
  readonly cache: string;
  /** `namespace` or `chroot`; undefined for a daemon without this option. */
  readonly sandbox: string | undefined;
  readonly debug: boolean;
  readonly extra: readonly string[];
}

/** Fd of the listening socket. */
const SOCKET = '--fd=3';

/** Without 1.x's `--syslog`: the daemon's log is a file beside QEMU's. */
const ofQemu = ({ source, cache, sandbox, debug }: VirtiofsdOptions): string[] => [
  ...[SOCKET, '-o', `source=${source}`, '-o', `cache=${cache || 'none'}`, '-o', 'no_posix_lock'],
  ...(sandbox === undefined ? [] : ['-o', `sandbox=${sandbox}`]),
  debug ? '-d' : '-f',
];

const ofRust = ({ source, cache, sandbox, debug }: VirtiofsdOptions): string[] => [
  ...[SOCKET, `--shared-dir=${source}`, `--cache=${cache === 'auto' || cache === 'always' ? cache : 'never'}`],
  ...(sandbox === undefined ? [] : [`--sandbox=${sandbox}`]),
  ...(debug ? ['--log-level=debug'] : []),
];

export const virtiofsdCommandLine = (options: VirtiofsdOptions): string[] => [
  ...(options.kind === 'qemu' ? ofQemu(options) : ofRust(options)),
  ...options.extra,
];
