/** The npm libraries in a bundle. Packages declare them, so that a search for a vulnerable version finds the package. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const repository = resolve(import.meta.dirname, '../..');

/** `node_modules/@scope/name`, also of a library inside another library. */
const LIBRARY = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;

/** `bundled(npm(NAME)) = VERSION` of a library's directory. */
export function provides(directory: string): string {
  const text = readFileSync(join(repository, directory, 'package.json'), 'utf8');
  const { name, version } = JSON.parse(text) as { name: string; version: string };
  return `bundled(npm(${name})) = ${version.replaceAll('-', '~')}`;
}

/** Directories, in the repository, of the libraries that are in the bundles of `entries`, sorted. */
export async function bundledLibraries(entries: readonly string[]): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: repository,
    entryPoints: [...entries],
    outdir: 'dist',
    write: false,
    metafile: true,
    bundle: true,
    platform: 'node',
    external: ['@grpc/proto-loader'],
    logLevel: 'error',
  });
  const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [LIBRARY.exec(path)?.[0] ?? ''] : [])),
  );
  return [...new Set(used)].filter(Boolean).sort();
}
