/**
 * Bundles a program into one file: `node tools/bundle.ts ENTRY OUTPUT`. Staging and packaging replace the first line by the
 * path of the installed Node.
 */
import { chmodSync } from 'node:fs';
import { build } from 'esbuild';
import { buildConstants } from '../packaging/program/build-constants.ts';
import { lazyCommander } from '../packaging/program/lazy-commander.ts';

const [entry, output] = process.argv.slice(2);
if (entry === undefined || output === undefined) throw new Error('usage: bundle.ts ENTRY OUTPUT');

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
  define: buildConstants(),
  // grpc-js uses proto-loader only for channelz, which we do not serve; its protobufjs would be a third of the bundle.
  plugins: [lazyCommander],
  external: ['@grpc/proto-loader'],
  logLevel: 'warning',
});
chmodSync(output, 0o755);
