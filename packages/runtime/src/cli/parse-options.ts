/** Parses the arguments of one command. Pure. */
import { CommanderError } from 'commander';
import type { Command } from 'commander';
import { normaliseOptions } from './normalise-options.ts';
import { usageError } from './usage-error.ts';
import type { Options } from './input/verb.ts';

export interface Parsed {
  /** Arguments that are not options. */
  readonly args: readonly string[];
  readonly options: Options;
}

/** `stopAtArgument`: the first argument that is not an option ends the options. undefined when help is requested. @throws UsageError */
export function parseOptions(command: Command, argv: readonly string[], stopAtArgument: boolean): Parsed | undefined {
  const silent = (): void => {};
  command
    .exitOverride()
    .configureOutput({ writeOut: silent, writeErr: silent })
    .allowExcessArguments(true)
    .passThroughOptions(stopAtArgument);
  try {
    command.parse(normaliseOptions(command, argv, stopAtArgument), { from: 'user' });
    return { args: command.args, options: command.opts() };
  } catch (error) {
    if (error instanceof CommanderError && error.code === 'commander.helpDisplayed') return undefined;
    throw usageError(error, command.name());
  }
}
