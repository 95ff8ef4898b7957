/** The command line of `npm run tarball`. */
import { parseArgs } from 'node:util';

export const usage = `Usage: npm run tarball -- [OPTIONS] [DIR]

Builds kata-static-VERSION-x86_64.tar.zst, its .sha256 and its .spdx.json (SBOM) in DIR (.cache/tarball).

  --stage DIR     pack this tree, which a build without this option makes in .cache/tarball-stage
  --help          print this text`;

const options = { help: { type: 'boolean' }, stage: { type: 'string' } } as const;

export type Arguments = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

/** @throws Error for wrong arguments */
export function readArguments(args: string[]): Arguments {
  const parsed = parseArgs({ args, allowPositionals: true, options });
  if (parsed.positionals.length > 1) throw new Error('more than one DIR');
  return parsed;
}
