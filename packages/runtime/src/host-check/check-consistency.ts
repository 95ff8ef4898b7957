/** `kata-check --strict`: all components must have the same version. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import { version } from '@kata-containers/common/version';
import type { Configuration } from '../configuration/schema.ts';
import { componentVersion } from './component-version.ts';
import { parseVersion } from './parse-version.ts';

/** `v1.13.0`, in 1.x's format; zeros for an unknown version. */
function shortVersion(text: string | undefined): string {
  const { major, minor, patch } = parseVersion(text ?? '') ?? { major: 0, minor: 0, patch: 0 };
  return `v${major}.${minor}.${patch}`;
}

/** @throws KataError naming all versions when they are not the same */
export function checkConsistency({ proxy, shim }: Configuration): void {
  const versions = {
    'kata-proxy': shortVersion(componentVersion(proxy.path)),
    'kata-shim': shortVersion(componentVersion(shim.path)),
    'kata-runtime': shortVersion(version),
  };
  if (new Set(Object.values(versions)).size === 1) return;
  const list = Object.entries(versions).map(([name, text]) => `${name}: ${text}`);
  throw new KataError(`there exists version inconsistency in kata components. ${list.join(', ')}`);
}
