/**
 * 1.x' parser took one dash for two, `--flag=false` for a boolean, and any word after an option that wants one, "-1" and "-"
 * too. commander gets the arguments in the one form that it reads the same way. Pure.
 */
import { Option } from 'commander';
import type { Command } from 'commander';
import { UsageError } from '@kata-containers/common/errors/kata-error';

/** The words that 1.x takes for booleans. */
function isTrue(name: string, value: string): boolean {
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new UsageError(`invalid boolean value "${value}" for -${name}`);
}

/** commander keeps it apart from a command's options. 1.x and runc take `--h` for it. */
const help = new Option('-h, --help');

const takesValue = ({ required, optional }: Option): boolean => required || optional;

/** One option as commander takes it; `value` is what stood behind the equals sign. */
function rewrite(option: Option, name: string, value: string | undefined, rest: string[]): string[] {
  const word = option.long ?? option.short ?? '';
  if (!takesValue(option)) return value === undefined || isTrue(name, value) ? [word] : [];
  const text = value ?? rest.shift();
  return [text === undefined ? word : `${word}=${text}`];
}

/** `stopAtWord`: the first word that is no option ends the options. What is not an option of the command stays as it is. */
export function normaliseOptions(command: Command, argv: readonly string[], stopAtWord: boolean): string[] {
  const args: string[] = [];
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const [, name = '', value] = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word) ?? [];
    const option = [...command.options, help].find(({ long, short }) => long === `--${name}` || short === `-${name}`);
    if (option) args.push(...rewrite(option, name, value, rest));
    else args.push(word);
    if (word === '--' || (stopAtWord && !word.startsWith('-'))) break;
  }
  return [...args, ...rest];
}
