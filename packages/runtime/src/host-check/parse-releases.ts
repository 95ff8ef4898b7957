/** Compares the list of releases with the running version (1.x's release.go). Pure. */
import { compareVersions, parseVersion } from './parse-version.ts';
import type { Version } from './parse-version.ts';

export interface Release {
  readonly version: Version;
  readonly date: string;
  readonly url: string;
}

/** Releases in GitHub's JSON that are newer than `current`, the oldest first; pre-releases only `withPreReleases`. */
export function parseReleases(json: string, current: Version, withPreReleases: boolean): Release[] {
  const rows = JSON.parse(json) as unknown;
  if (!Array.isArray(rows)) return [];
  const releases = (rows as Readonly<Record<string, unknown>>[]).flatMap((row): Release[] => {
    const version = parseVersion(String(row['tag_name']));
    const isPreRelease = row['prerelease'] === true || (version?.preRelease.length ?? 0) > 0;
    if (!version || (isPreRelease && !withPreReleases) || row['draft'] === true) return [];
    return [{ version, date: String(row['published_at'] ?? ''), url: String(row['html_url'] ?? '') }];
  });
  return releases.filter(({ version }) => compareVersions(version, current) > 0).toSorted((a, b) => compareVersions(a.version, b.version));
}

/** Kind of the difference to a newer version. */
function distance(current: Version, { major, minor, patch, preRelease }: Version): string {
  if (major !== current.major) return 'major';
  if (minor !== current.minor) return 'minor';
  if (patch !== current.patch) return 'patch';
  return preRelease.length > 0 ? 'pre-release' : 'patch';
}

/** The line about newer releases. */
export function releaseLine(current: Version, newer: readonly Release[]): string {
  const newest = newer.at(-1);
  if (!newest) return 'No newer release available';
  const { version, url, date } = newest;
  return `Newer ${distance(current, version)} release available: ${version.semver} (url: ${url}, date: ${date})`;
}

/** `version;date;url`. */
export const listLine = ({ version, date, url }: Release): string => `${version.semver};${date};${url}`;
