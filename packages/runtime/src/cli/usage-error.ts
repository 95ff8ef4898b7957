/** commander's complaints in the words of Go's flag package, which 1.x's users and scripts know. */
import { CommanderError } from 'commander';
import { UsageError } from '@kata-containers/common/errors/kata-error';

const flagIn = (message: string): string => /'(?:-\w, )?--?([\w-]+)/.exec(message)?.[1] ?? '';

/** Passes on errors that are not commander's. */
export function usageError(error: unknown): Error {
  if (!(error instanceof CommanderError)) return error instanceof Error ? error : new UsageError(String(error));
  const flag = flagIn(error.message);
  if (error.code === 'commander.unknownOption') return new UsageError(`flag provided but not defined: -${flag}`);
  if (error.code === 'commander.optionMissingArgument') return new UsageError(`flag needs an argument: -${flag}`);
  return new UsageError(error.message.replace(/^error: /, ''));
}
