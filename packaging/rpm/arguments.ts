/** The command line of `npm run rpm`. */
import { parseArgs } from 'node:util';
import { checkStage } from '../check-stage.ts';

export const usage = `Usage: npm run rpm -- [OPTIONS] [DIR]

Builds the packages and a yum repository in DIR (.cache/rpm).

  --baseurl URL   address from which DIR will be served, for kata-containers.repo (file://DIR)
  --sign KEY      sign packages and repository with this key of gpg
  --release N     release of the packages (1)
  --version V     version of the packages (that of package.json)
  --stage DIR     package this tree, which tools/stage.ts has laid out, instead of a new one
  --help          print this text`;

const options = {
  baseurl: { type: 'string' },
  help: { type: 'boolean' },
  release: { type: 'string', default: '1' },
  sign: { type: 'string' },
  stage: { type: 'string' },
  version: { type: 'string' },
} as const;

export type Arguments = ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;

/** @throws Error for wrong arguments */
export function readArguments(args: string[]): Arguments {
  const parsed = parseArgs({ args, allowPositionals: true, options });
  const { baseurl } = parsed.values;
  if (parsed.positionals.length > 1) throw new Error('more than one DIR');
  if (baseurl !== undefined && !/^(https?|ftp|file):\/\/\S+$/.test(baseurl)) throw new Error(`not a URL: ${baseurl}`);
  if (parsed.values.stage !== undefined) checkStage(parsed.values.stage);
  return parsed;
}
