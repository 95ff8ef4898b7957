/**
 * Command line of virtiofsd, in 1.x's order. The daemon in Rust takes these words of QEMU's too (its "compatibility options"). Without
 * 1.x's `--syslog`: what the daemon says belongs beside what QEMU says. Pure.
 */

export interface VirtiofsdOptions {
  /** Directory that is shared. */
  readonly source: string;
  /** `none`, `auto` or `always`; empty is `none`. */
  readonly cache: string;
  readonly debug: boolean;
  readonly extra: readonly string[];
}

/** Descriptor of the socket that it listens on. */
const SOCKET = 3;

export const virtiofsdCommandLine = ({ source, cache, debug, extra }: VirtiofsdOptions): string[] => [
  ...[`--fd=${SOCKET}`, '-o', `source=${source}`, '-o', `cache=${cache || 'none'}`, '-o', 'no_posix_lock'],
  debug ? '-d' : '-f',
  ...extra,
];
