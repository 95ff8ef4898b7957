/** Writes the sysctls that a link has in its namespace on the host. */
import { writeFileSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';

/** Such as `ipv4/conf/rp_filter`. */
const NAME = /^(ipv[46]\/(?:conf|neigh))\/(\w+)$/;

/**
 * `link` must be a checked name, `root` is /proc/sys/net. @returns what was not written, each with the reason: the host's kernel may be newer
 * than the guest's
 */
export function writeLinkSysctls(root: string, link: string, sysctls: Readonly<Record<string, string>>): string[] {
  return Object.entries(sysctls).flatMap(([name, value]) => {
    const [, kind, key] = NAME.exec(name) ?? [];
    if (kind === undefined || key === undefined) return [`${name}: not a sysctl of a link`];
    try {
      writeFileSync(`${root}/${kind}/${link}/${key}`, value, { flag: 'r+' });
      return [];
    } catch (error) {
      return [`${name}: ${errorMessage(error)}`];
    }
  });
}
