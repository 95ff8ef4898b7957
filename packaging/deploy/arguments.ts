/** The command line of `npm run deploy-image`. */
import { parseArgs } from 'node:util';

export const usage = `Usage: npm run deploy-image -- [OPTIONS] [DIR]

Builds kata-deploy-VERSION.tar, an image archive for "docker load", "ctr images import" and "skopeo copy", and its
kata-deploy.yaml in DIR (.cache/deploy).

  --stage DIR     take this tree, which a build without this option makes in .cache/tarball-stage
  --help          print this text`;

const options = { help: { type: 'boolean' }, stage: { type: 'string' } } as const;

export type Arguments = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

/** @throws Error for wrong arguments */
export function readArguments(args: string[]): Arguments {
  const parsed = parseArgs({ args, allowPositionals: true, options });
  if (parsed.positionals.length > 1) throw new Error('more than one DIR');
  return parsed;
}
