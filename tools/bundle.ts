/**
 * Makes the one file that a process ships as: `node tools/bundle.ts ENTRY OUTPUT`. The first line names Node; staging and
 * packaging replace it by the path of the Node they install.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync } from 'node:fs';
import { build } from 'esbuild';
import type { Plugin } from 'esbuild';

/** The commit that `--version` shows. A tree without git (a source archive) has none. */
function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}

/**
 * commander loads node:child_process, and with it sockets and streams, for sub-commands that are programs of their own. There are
 * none here, and that is a third of the time that `kata-runtime --version` takes.
 */
const noSubprograms: Plugin = {
  name: 'no-subprograms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      /\/node_modules\/commander\//.test(importer) ? { path, namespace: 'left-out' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export default {};' }));
  },
};

const [entry, output] = process.argv.slice(2);
if (entry === undefined || output === undefined) throw new Error('usage: bundle.ts ENTRY OUTPUT');
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };

await build({
  entryPoints: [entry],
  outfile: output,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node26',
  minifyWhitespace: true,
  minifySyntax: true,
  keepNames: true,
  legalComments: 'none',
  banner: { js: '#!/usr/bin/env -S node --no-warnings' },
  define: { KATA_VERSION: JSON.stringify(version), KATA_COMMIT: JSON.stringify(commit()) },
  // grpc-js wants proto-loader only for channelz, which we do not serve; protobufjs would be a third of the bundle.
  plugins: [noSubprograms],
  external: ['@grpc/proto-loader'],
  logLevel: 'warning',
});
chmodSync(output, 0o755);
