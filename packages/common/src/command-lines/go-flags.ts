/**
 * Command lines as Go's flag package reads them: `-name value`, `--name=value`, booleans without a value. The Go kata-runtime
 * starts our kata-proxy and kata-shim with them, so they must be parsed exactly as Go does. commander does the rest.
 */
import { Command, CommanderError, Option } from 'commander';
import { UsageError } from '../errors/kata-error.ts';

export interface GoFlag {
  readonly name: string;
  readonly kind: 'string' | 'boolean';
  readonly description: string;
  readonly default?: string | boolean;
}

export type GoFlagValues = Readonly<Record<string, string | boolean | undefined>>;

/** Parses the arguments as Go does and gives them to commander as `--name=value`; the first other argument ends the flags. */
function normalise(argv: readonly string[], booleans: ReadonlySet<string>): string[] {
  const args: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const match = /^--?([^-=][^=]*)(?:=([\s\S]*))?$/.exec(arg);
    if (!match) return args;
    const [, name = '', value] = match;
    if (booleans.has(name)) args.push(value === undefined || parseBoolean(name, value) ? `--${name}` : `--no-${name}`);
    else {
      const text = value ?? rest.shift();
      args.push(text === undefined ? `--${name}` : `--${name}=${text}`);
    }
  }
  return args;
}

/** The values of Go's strconv.ParseBool. */
function parseBoolean(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value "${value}" for -${name}`);
}

function command(name: string, flags: readonly GoFlag[]): Command {
  const parser = new Command(name).exitOverride().allowExcessArguments(true).helpOption(false);
  parser.configureOutput({ writeOut: () => {}, writeErr: () => {} });
  for (const flag of flags) {
    if (flag.kind === 'string') parser.addOption(new Option(`--${flag.name} <value>`, flag.description));
    else parser.addOption(new Option(`--${flag.name}`, flag.description)).addOption(new Option(`--no-${flag.name}`).hideHelp());
  }
  return parser;
}

/** camelCase name under which commander keeps `--some-flag`. */
function attribute(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** Reads `argv` (without program name). Values are keyed by flag name; flags not given have their default. @throws UsageError */
export function parseGoFlags(program: string, argv: readonly string[], flags: readonly GoFlag[]): GoFlagValues {
  const parser = command(program, flags);
  const booleans = new Set(flags.filter(({ kind }) => kind === 'boolean').map(({ name }) => name));
  try {
    parser.parse(normalise(argv, booleans), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    throw new UsageError(error.message.replace(/^error: /, '').replaceAll("'", '"'));
  }
  const given = parser.opts<Record<string, string | boolean>>();
  const seen = (name: string): boolean => parser.getOptionValueSource(attribute(name)) === 'cli';
  return Object.fromEntries(flags.map((flag) => [flag.name, seen(flag.name) ? given[attribute(flag.name)] : flag.default]));
}

/** True for a person's `-h`. An engine's command line has more arguments, of which one may be the value "-h". */
export const asksForHelp = (argv: readonly string[]): boolean => argv.length === 1 && /^--?h(elp)?$/.test(argv[0] ?? '');

/** What Go's flag package appends to a description: the default, unless it is the zero value of its type. */
function shownDefault({ kind, default: value }: GoFlag): string {
  if (value === undefined || value === '' || value === false) return '';
  return ` (default ${kind === 'string' ? JSON.stringify(value) : String(value)})`;
}

/** The help text that Go's flag package prints for -h, in the order of the table. */
export function goFlagsUsage(program: string, flags: readonly GoFlag[]): string {
  const lines = flags.map(
    (flag) => `  -${flag.name}${flag.kind === 'string' ? ' string' : ''}\n    \t${flag.description}${shownDefault(flag)}`,
  );
  return [`Usage of ${program}:`, ...lines, ''].join('\n');
}
