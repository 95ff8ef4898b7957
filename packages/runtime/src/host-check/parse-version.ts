/** Parses versions of components from `--version`. Pure. */

export interface Version {
  readonly semver: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Pre-release identifiers (semver.org); none in a release. */
  readonly preRelease: readonly string[];
}

/** Parses the last word of a text. undefined when it is not a version. */
export function parseVersion(text: string): Version | undefined {
  const word = text.trim().split(/\s+/).at(-1) ?? '';
  const [, major, minor, patch, pre] = /^v?(\d+)\.(\d+)\.(\d+)(?:-([\w.-]+))?(?:\+[\w.-]+)?$/.exec(word) ?? [];
  if (major === undefined) return undefined;
  const [semver, preRelease] = [word.replace(/^v/, ''), pre?.split('.') ?? []];
  return { semver, major: Number(major), minor: Number(minor), patch: Number(patch), preRelease };
}

function compareWords(a: string, b: string): number {
  const isNumber = (word: string): boolean => /^\d+$/.test(word);
  if (isNumber(a) && isNumber(b)) return Number(a) - Number(b);
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Below, at or above zero as semver.org orders them (rule 11). */
export function compareVersions(a: Version, b: Version): number {
  const numbers = a.major - b.major || a.minor - b.minor || a.patch - b.patch;
  if (numbers !== 0) return numbers;
  if (a.preRelease.length === 0 || b.preRelease.length === 0) return b.preRelease.length - a.preRelease.length;
  const words = a.preRelease.map((word, index) => (index < b.preRelease.length ? compareWords(word, b.preRelease[index] ?? '') : 1));
  return words.find((order) => order !== 0) ?? a.preRelease.length - b.preRelease.length;
}
