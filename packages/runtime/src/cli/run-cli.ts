/** From argv to a verb: parse, log, run, report. What not every verb needs is imported by those that do: start-up is paid per verb (ADR 6). */
import { dirname, resolve } from 'node:path';
import { Command, CommanderError } from 'commander';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { commit, version } from '@kata-containers/common/version';
import { defaultConfigurationPaths } from '../configuration/default-paths.ts';
import { globalCommand, normaliseDashes } from './global-options.ts';
import { openLog } from './open-log.ts';
import { print } from './print.ts';
import { textOption } from './verb.ts';
import type { Options, Verb } from './verb.ts';
import { verbTable } from './verb-table.ts';
import type { VerbEntry } from './verb-table.ts';
import { versionText } from './version-text.ts';

export interface Host {
  readonly environment: NodeJS.ProcessEnv;
  /** Real path of our own executable: the configuration is looked for relative to where it was installed. */
  readonly program: string;
}

function helpText(program: Command): string {
  const verbs = Object.entries(verbTable).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`);
  return `${program.helpInformation()}\nCommands:\n${verbs.join('\n')}\n\nOptions beginning with "--kata-" are Kata Containers' own.\n`;
}

/** commander's complaint without its "error: ". */
const usageError = (error: CommanderError): UsageError => new UsageError(error.message.replace(/^error: /, ''));

/** Parses; help is printed on stdout and ends with `undefined`. @throws UsageError after the help for a wrong option */
function parse(command: Command, argv: readonly string[], help: () => string): { words: readonly string[]; options: Options } | undefined {
  command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {} });
  try {
    command.parse([...argv], { from: 'user' });
    return { words: command.args, options: command.opts() };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') {
      print(`${help().trimEnd()}\n`);
      return undefined;
    }
    throw usageError(error);
  }
}

async function runVerb(
  name: string,
  entry: VerbEntry,
  argv: readonly string[],
  globals: Options,
  host: Host,
  log: Logger,
): Promise<number> {
  const verb: Verb = await entry.load();
  const command = new Command(name).description(entry.summary).allowExcessArguments(true);
  verb.describe(command);
  const parsed = parse(command, argv, () => command.helpInformation());
  if (!parsed) return 0;
  return verb.run({ ...parsed, log, context: async () => (await import('./load-context.ts')).loadContext(globals, host, log) });
}

/** Where an installation with this prefix looks for its configuration: /usr/bin/kata-runtime means the prefix "/". */
export const installPrefix = (program: string): string => resolve(dirname(program), '../..');

/** @throws KataError, whose text becomes the line on stderr; it is in the log already */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const program = globalCommand();
  const parsed = parse(program, normaliseDashes(argv), () => helpText(program));
  if (!parsed) return 0;
  const { options } = parsed;
  const [name, ...rest] = parsed.words;
  if (options['kataShowDefaultConfigPaths'] === true) {
    for (const path of defaultConfigurationPaths(installPrefix(host.program))) print(`${path}\n`);
    return 0;
  }
  if (options['version'] === true || name === 'version') {
    print(versionText());
    return 0;
  }
  if (name === undefined || name === 'help') {
    print(`${helpText(program).trimEnd()}\n`);
    return 0;
  }
  const level = options['debug'] === true ? 'debug' : 'info';
  const log = openLog({ path: textOption(options, 'log') ?? '', format: textOption(options, 'logFormat') ?? '', level, verb: name });
  log.info('kata-runtime is called', { version, commit, arguments: JSON.stringify(argv.join(' ')) });
  try {
    const entry = verbTable[name];
    if (!entry) throw new UsageError(`Invalid command "${name}"`);
    return await runVerb(name, entry, rest, options, host, log);
  } catch (error) {
    log.error(errorMessage(error));
    throw error;
  }
}
