/** What a verb is. One file for each in verbs/; the table of them is verb-table.ts. */
import type { Command } from 'commander';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { LoadedConfiguration } from '../configuration/load-configuration.ts';
import type { Context } from '../context/context.ts';

/** Options as commander keeps them: camelCase names. */
export type Options = Readonly<Record<string, unknown>>;

export interface Host {
  readonly environment: NodeJS.ProcessEnv;
  /** Real path of our own executable: the configuration is looked for relative to where it was installed. */
  readonly program: string;
}

export interface Invocation {
  /** Words that are no options. */
  readonly args: readonly string[];
  readonly options: Options;
  readonly log: Logger;
  /** Configuration and kernel, read when asked for: most verbs on a missing container never need them. */
  context(): Promise<Context>;
  /** The configuration with its files, origins and warnings, for verbs that show it. */
  configuration(): Promise<LoadedConfiguration>;
  readonly host: Host;
}

export interface Verb {
  /** Adds arguments, options and help to a command that has its name. */
  describe(command: Command): void;
  /** Gives the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** The value of a text option, or undefined. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
