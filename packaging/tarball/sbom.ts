/** The software bill of materials of a tarball: SPDX 2.3 as JSON (spdx.github.io/spdx-spec/v2.3). Pure. */
import { createHash } from 'node:crypto';

export interface Component {
  readonly name: string;
  readonly version: string;
  /** Package URL, `pkg:npm/name@version`. */
  readonly purl: string;
  /** Its place in the tarball, for readers. */
  readonly where: string;
  /** SPDX licence expression; missing when only the licence texts have it. */
  readonly licence?: string;
}

export interface Subject {
  readonly name: string;
  readonly version: string;
  /** Hexadecimal SHA-256 of the tarball. */
  readonly sha256: string;
  /** ISO 8601, without fractions of a second. */
  readonly created: string;
}

const NO_ASSERTION = 'NOASSERTION';

/** An SPDXID consists of letters, digits, dots and dashes. */
export const spdxId = ({ name, version }: Pick<Component, 'name' | 'version'>): string =>
  `SPDXRef-Package-${`${name}-${version}`.replaceAll(/[^A-Za-z0-9.-]+/g, '-')}`;

function packageOf(component: Component): object {
  return {
    SPDXID: spdxId(component),
    name: component.name,
    versionInfo: component.version,
    downloadLocation: NO_ASSERTION,
    filesAnalyzed: false,
    licenseConcluded: NO_ASSERTION,
    licenseDeclared: component.licence ?? NO_ASSERTION,
    copyrightText: NO_ASSERTION,
    comment: component.where,
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: component.purl }],
  };
}

/** A component of several parts is listed once; its comment lists all places. */
function merged(components: readonly Component[]): Component[] {
  const byId = new Map<string, Component>();
  for (const component of components) {
    const before = byId.get(spdxId(component));
    const where = [...new Set([...(before?.where.split(', ') ?? []), component.where])].sort().join(', ');
    byId.set(spdxId(component), { ...component, where });
  }
  return [...byId.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, component]) => component);
}

export function sbom({ name, version, sha256, created }: Subject, components: readonly Component[]): object {
  const root = 'SPDXRef-Tarball';
  const parts = merged(components);
  const namespace = createHash('sha256')
    .update(JSON.stringify([name, sha256, parts]))
    .digest('hex')
    .slice(0, 32);
  return {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name,
    documentNamespace: `https://katacontainers.io/spdx/${name}-${namespace}`,
    creationInfo: { created, creators: ['Tool: kata-containers-packaging-tarball'] },
    packages: [
      {
        SPDXID: root,
        name: 'kata-containers',
        versionInfo: version,
        packageFileName: name,
        downloadLocation: NO_ASSERTION,
        filesAnalyzed: false,
        licenseConcluded: NO_ASSERTION,
        licenseDeclared: 'Apache-2.0',
        copyrightText: NO_ASSERTION,
        checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }],
      },
      ...parts.map(packageOf),
    ],
    relationships: [
      { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: root },
      ...parts.map((part) => ({ spdxElementId: root, relationshipType: 'CONTAINS', relatedSpdxElement: spdxId(part) })),
    ],
  };
}
