/** The command line of `npm run deb`. */
import { parseArgs } from 'node:util';
import { checkStage } from '../check-stage.ts';

export const usage = `Usage: npm run deb -- [OPTIONS] [DIR]

Builds the packages and an apt repository in DIR (.cache/deb).

  --sign KEY      sign the repository with this key of gpg
  --release N     release of the packages (1)
  --stage DIR     package this tree, which tools/stage.ts has laid out, instead of a new one
  --uncompressed  do not compress the packages: a build for tests takes a fraction of the time
  --help          print this text`;

const options = {
  help: { type: 'boolean' },
  release: { type: 'string', default: '1' },
  sign: { type: 'string' },
  stage: { type: 'string' },
  uncompressed: { type: 'boolean', default: false },
} as const;

export type Arguments = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

/** @throws Error for wrong arguments */
export function readArguments(args: string[]): Arguments {
  const parsed = parseArgs({ args, allowPositionals: true, options });
  if (parsed.positionals.length > 1) throw new Error('more than one DIR');
  if (parsed.values.stage !== undefined) checkStage(parsed.values.stage);
  return parsed;
}
