/** The interface of a verb. Each has a file in verbs/ and a row in verb-table.ts. */
import type { Command } from 'commander';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { LoadedConfiguration } from '../../configuration/load-configuration.ts';
import type { Context } from '../../context/context.ts';
import type { VerbTrace } from '../../tracing/verb-trace.ts';

/** Options by commander's names: camelCase. */
export type Options = Readonly<Record<string, unknown>>;

export interface Host {
  readonly environment: NodeJS.ProcessEnv;
  /** Real path of kata-runtime: the configuration is searched relative to it. */
  readonly program: string;
}

export interface Invocation {
  /** Arguments that are not options. */
  readonly args: readonly string[];
  readonly options: Options;
  /** Whether the call has `--log` or `--root`, with which engines call a runtime (go-runc, CRI-O). */
  readonly isFromEngine: boolean;
  readonly log: Logger;
  /** Of the command; enabled by the configuration or by the container that the command is for. */
  readonly trace: VerbTrace;
  /** Loads configuration and kernel: most verbs on a missing container never need them. */
  context(): Promise<Context>;
  /** The configuration with its files, origins and warnings, for verbs that show it. */
  configuration(): Promise<LoadedConfiguration>;
  readonly host: Host;
}

export interface Verb {
  /** Adds arguments, options and help to the command. */
  describe(command: Command): void;
  /** Gives the exit code. */
  run(invocation: Invocation): Promise<number>;
}

/** The value of a text option, or undefined. */
export function textOption(options: Options, name: string): string | undefined {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
}
