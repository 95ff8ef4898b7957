/**
 * Runs the verb of the command line: parses arguments, opens the log, calls the verb and reports its error. Each verb imports its own
 * modules: start-up time matters (ADR 6).
 */
import { Command } from 'commander';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { commit, version } from '@kata-containers/common/version';
import { nearest } from '../configuration/nearest-name.ts';
import { defaultConfigurationPaths } from '../configuration/default-paths.ts';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import type { Context } from '../context/context.ts';
import { VerbTrace } from '../tracing/verb-trace.ts';
import { globalCommand } from './global-options.ts';
import { installPrefix } from './install-prefix.ts';
import { openLog } from './open-log.ts';
import type { OpenedLog } from './open-log.ts';
import { parseOptions } from './parse-options.ts';
import type { Parsed } from './parse-options.ts';
import { ClosedPipeError, print } from './output/print.ts';
import { textOption } from './input/verb.ts';
import type { Host, Options, Verb } from './input/verb.ts';
import { verbTable } from './verb-table.ts';
import type { VerbEntry } from './verb-table.ts';
import { versionText } from './output/version-text.ts';

function helpText(program: Command): string {
  const verbs = Object.entries(verbTable).map(([name, { summary }]) => `  ${name.padEnd(15)}${summary}`);
  const note = 'Commands starting "kata-" and options starting "--kata-" are Kata Containers extensions.';
  return `${program.helpInformation()}\nCommands:\n${verbs.join('\n')}\n\n${note}\n`;
}

/** Parses the arguments. Prints help on stdout and returns `undefined`. @throws UsageError */
function parse(command: Command, argv: readonly string[], stopAtArgument: boolean, help: () => string): Parsed | undefined {
  const parsed = parseOptions(command, argv, stopAtArgument);
  if (!parsed) print(`${help().trimEnd()}\n`);
  return parsed;
}

interface VerbCall {
  readonly name: string;
  /** Arguments after the verb. */
  readonly args: readonly string[];
  readonly globals: Options;
  readonly isFromEngine: boolean;
  readonly host: Host;
  readonly opened: OpenedLog;
  readonly trace: VerbTrace;
}

/** @throws UsageError for an unknown verb, and what the verb throws */
async function runVerb({ name, args, globals, isFromEngine, host, opened, trace }: VerbCall): Promise<number> {
  const entry = findVerb(name);
  const { verb, command } = await loadVerb(name, entry);
  const help = (): string => command.helpInformation();
  const parsed = parse(command, args, entry.stopAtArgument === true, help);
  if (!parsed) return 0;
  const context = async (): Promise<Context> => (await import('./load-context.ts')).loadContext({ globals, host, opened, trace });
  const configuration = async (): Promise<LoadedConfiguration> => (await import('./load-context.ts')).loadFiles(globals, host);
  return verb.run({ ...parsed, isFromEngine, log: opened.log, trace, context, configuration, host });
}

async function loadVerb(name: string, entry: VerbEntry): Promise<{ verb: Verb; command: Command }> {
  const verb = await entry.load();
  const command = new Command(`kata-runtime ${name}`).description(entry.summary);
  verb.describe(command);
  return { verb, command };
}

/** @throws UsageError */
function findVerb(name: string): VerbEntry {
  const entry = Object.hasOwn(verbTable, name) ? verbTable[name] : undefined;
  if (!entry) {
    const meant = nearest(name, Object.keys(verbTable));
    throw new UsageError(`Invalid command "${name}"${meant === undefined ? ": see 'kata-runtime help'" : `: did you mean ${meant}?`}`);
  }
  return entry;
}

/** `help` and `help VERB`. @throws UsageError */
async function showHelp(program: Command, verb: string | undefined): Promise<void> {
  const text = verb === undefined ? helpText(program) : (await loadVerb(verb, findVerb(verb))).command.helpInformation();
  print(`${text.trimEnd()}\n`);
}

/** Prints what needs no log: a list of paths, versions, help. @returns whether the command line requests this */
async function answer(program: Command, { options, args }: Parsed, host: Host): Promise<boolean> {
  const [name, verb] = args;
  if (options['kataShowDefaultConfigPaths'] === true) {
    for (const path of defaultConfigurationPaths(installPrefix(host.program))) print(`${path}\n`);
  } else if (options['version'] === true) {
    print(versionText());
  } else if (name === undefined || name === 'help' || name === 'h') {
    await showHelp(program, verb);
  } else {
    return false;
  }
  return true;
}

/**
 * Logs the error of a command. Before the configuration is loaded, no record is copied to syslog: here it is, because the engine's log file
 * may be the problem, and is removed with the container.
 */
async function logError(error: unknown, { log, isConfigured, configure }: OpenedLog): Promise<void> {
  if (!isConfigured) {
    const { openSyslog } = await import('@kata-containers/common/logging/syslog');
    configure({ debug: false, copy: openSyslog('kata-runtime') });
  }
  log.error(errorMessage(error));
}

/** A log without a file. */
const noFile = (verb: string): OpenedLog => openLog({ path: '/dev/null', format: 'text', level: 'info', verb });

/** @throws KataError, whose text main prints on stderr; the error is already logged */
export async function runCli(argv: readonly string[], host: Host): Promise<number> {
  const program = globalCommand();
  let opened: OpenedLog | undefined;
  let trace: VerbTrace | undefined;
  let name = '';
  try {
    const parsed = parse(program, argv, true, () => helpText(program));
    if (!parsed || (await answer(program, parsed, host))) return 0;
    const { options } = parsed;
    const [verb = '', ...args] = parsed.args;
    name = verb;
    const level = options['debug'] === true ? 'debug' : 'info';
    opened = openLog({ path: textOption(options, 'log') ?? '', format: textOption(options, 'logFormat') ?? '', level, verb });
    opened.log.info('kata-runtime is called', { version, commit, arguments: JSON.stringify(argv.join(' ')) });
    trace = new VerbTrace(name, host.environment, opened.log);
    const isFromEngine = ['log', 'root'].some((option) => program.getOptionValueSource(option) === 'cli');
    const code = await runVerb({ name, args, globals: options, isFromEngine, host, opened, trace });
    await trace.finish();
    return code;
  } catch (error) {
    if (error instanceof ClosedPipeError) return error.exitCode; // without a message, like a program that SIGPIPE ends
    await logError(error, opened ?? noFile(name));
    await trace?.finish(error);
    throw error;
  }
}
