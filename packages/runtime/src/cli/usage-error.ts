/** Converts commander's errors, and adds the command that prints help. */
import { CommanderError } from 'commander';
import { UsageError } from '@kata-containers/common/errors/kata-error';

const dashed = (flag: string): string => `${flag.length > 1 ? '--' : '-'}${flag}`;
const flagIn = (message: string): string => /'(?:-\w, )?--?([\w-]+)/.exec(message)?.[1] ?? '';

/** `command` is `kata-runtime` or `kata-runtime VERB`. Other errors are returned unchanged. */
export function usageError(error: unknown, command: string): Error {
  if (!(error instanceof CommanderError)) return error instanceof Error ? error : new UsageError(String(error));
  const [program = '', verb] = command.split(' ');
  const next = `see '${[program, 'help', verb].filter(Boolean).join(' ')}'`;
  const flag = flagIn(error.message);
  if (error.code === 'commander.unknownOption') return new UsageError(`unknown option ${dashed(flag)}: ${next}`);
  if (error.code === 'commander.optionMissingArgument') return new UsageError(`option ${dashed(flag)} needs a value: ${next}`);
  return new UsageError(`${error.message.replace(/^error: /, '')}: ${next}`);
}
