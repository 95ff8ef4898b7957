import assert from 'node:assert/strict';
import { sbom, spdxId } from './sbom.ts';
import type { Component } from './sbom.ts';

interface Document {
  readonly packages: readonly Readonly<Record<string, unknown>>[];
  readonly relationships: readonly Readonly<Record<string, string>>[];
  readonly documentNamespace: string;
}

describe('SBOM', () => {
  const subject = { name: 'kata-static.tar.zst', version: '1', sha256: 'ab', created: '2026-01-01T00:00:00Z' };
  const grpc: Component = {
    name: '@grpc/grpc-js',
    version: '1.2.3',
    purl: 'pkg:npm/%40grpc/grpc-js@1.2.3',
    where: 'kata-agent',
    licence: 'Apache-2.0',
  };
  const libc: Component = { name: 'libc6', version: '2.36-9+deb12u1', purl: 'pkg:deb/debian/libc6@2.36-9%2Bdeb12u1', where: 'image' };
  const make = (...components: Component[]): Document => sbom(subject, components) as Document;

  it('has ids with permitted characters only', () => {
    assert.equal(spdxId(grpc), 'SPDXRef-Package--grpc-grpc-js-1.2.3');
    assert.equal(spdxId(libc), 'SPDXRef-Package-libc6-2.36-9-deb12u1');
  });

  it('lists each component once, with its places, and relates it to the tarball', () => {
    const { packages, relationships } = make(grpc, libc, { ...grpc, where: 'kata-runtime' });
    assert.deepEqual(packages.map(({ name }) => name), ['kata-containers', '@grpc/grpc-js', 'libc6']); // prettier-ignore
    assert.equal(packages[1]?.['comment'], 'kata-agent, kata-runtime');
    assert.deepEqual([packages[1]?.['licenseDeclared'], packages[2]?.['licenseDeclared']], ['Apache-2.0', 'NOASSERTION']);
    assert.deepEqual(relationships.map(({ relationshipType }) => relationshipType), ['DESCRIBES', 'CONTAINS', 'CONTAINS']); // prettier-ignore
    const ids = new Set(packages.map(({ SPDXID }) => SPDXID));
    assert.ok(relationships.every(({ relatedSpdxElement }) => ids.has(relatedSpdxElement)));
  });

  it('does not depend on the order of the components', () => assert.deepEqual(make(grpc, libc), make(libc, grpc)));
  it('has another namespace for other contents', () => assert.notEqual(make(grpc).documentNamespace, make(libc).documentNamespace));
});
