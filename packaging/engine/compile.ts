/**
 * Makes one executable of a program, Bun, and JavaScriptCore's code for the program: `bun packaging/engine/compile.ts ENTRY OUTPUT`, run by
 * the Bun that becomes part of it. The same sources give the same bytes.
 */
import { buildConstants } from '../program/build-constants.ts';
import { lazyCommander } from '../program/lazy-commander.ts';

declare const Bun: { build(options: object): Promise<{ success: boolean; logs: readonly unknown[] }> };

const [entry, outfile] = process.argv.slice(2);
if (entry === undefined || outfile === undefined) throw new Error('usage: compile.ts ENTRY OUTPUT');

// Modules that only some commands load are separate: unused code is not read. Without compiled code, a start takes four times as long.
const { success, logs } = await Bun.build({
  entrypoints: [entry],
  target: 'bun',
  format: 'esm',
  splitting: true,
  bytecode: true,
  minify: { whitespace: true, syntax: true, identifiers: false },
  // Bun would insert directories of the build machine. grpc-js looks for files of channelz there.
  define: { ...buildConstants(), __dirname: '"/"', __filename: '"/"' },
  // grpc-js uses proto-loader only for channelz, which we do not serve.
  external: ['@grpc/proto-loader'],
  plugins: [lazyCommander],
  compile: {
    outfile,
    executablePath: process.execPath,
    // Files in the caller's directory must not change the program.
    autoloadBunfig: false,
    autoloadDotenv: false,
    autoloadTsconfig: false,
    autoloadPackageJson: false,
  },
});
if (!success) throw new Error(logs.join('\n'));
