/**
 * 1.x's parser accepts one dash for two, `--flag=false` for a boolean, and any argument as the value of an option, also "-1" and "-".
 * Converts the arguments to a form that commander parses in the same way. Pure.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { UsageError } from '@kata-containers/common/errors/kata-error';

/** The values that 1.x accepts for booleans. */
function isTrue(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value "${value}" for -${name}`);
}

/** commander does not list the help option with the others. 1.x and runc accept `--h`, too. */
const help = new Option('-h, --help');

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** One option in commander's form; `value` is the text after the equals sign. */
function rewrite(option: Option, name: string, value: string | undefined, rest: string[]): string[] {
  const arg = option.long ?? option.short ?? '';
  if (!takesValue(option)) return value === undefined || isTrue(name, value) ? [arg] : [];
  const text = value ?? rest.shift();
  return [text === undefined ? arg : `${arg}=${text}`];
}

/** `stopAtArgument`: the first argument that is not an option ends the options. Unknown options are unchanged. */
export function normaliseOptions(command: Command, argv: readonly string[], stopAtArgument: boolean): string[] {
  const args: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [, name = '', value] = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(arg) ?? [];
    const option = [...command.options, help].find(({ long, short }) => long === `--${name}` || short === `-${name}`);
    if (option) args.push(...rewrite(option, name, value, rest));
    else args.push(arg);
    if (arg === '--' || (stopAtArgument && !arg.startsWith('-'))) break;
  }
  return [...args, ...rest];
}
