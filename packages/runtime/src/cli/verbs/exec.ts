import { readFileSync } from 'node:fs';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError, UsageError } from '@kata-containers/common/errors/kata-error';
import type { Capabilities, Process, User } from '@kata-containers/common/oci/spec';
import { parseProcess } from '../../bundle/parse-spec.ts';
import { execProcess } from '../../sandbox/exec-process.ts';
import { loadSavedBundle } from '../../sandbox/saved-bundle.ts';
import { requireContainer } from '../../state/state-store.ts';
import { findId } from '../input/find-id.ts';
import { awaitExitCode } from '../../processes/exit-code.ts';
import { forwardSignals } from '../../processes/forward-signals.ts';
import { writePidFile } from '../output/pid-file.ts';
import { textOption } from '../input/verb.ts';
import type { Options, Verb } from '../input/verb.ts';

const collect = (value: string, before: string[] = []): string[] => [...before, value];

/** `uid[:gid]`, numbers only: names cannot be resolved outside the container. */
function parseUser(text: string): User {
  const match = /^(\d+)(?::(\d+))?$/.exec(text);
  if (!match) throw new UsageError(`--user must be uid[:gid] in numbers, not "${text}"`);
  return { uid: Number(match[1]), ...(match[2] !== undefined && { gid: Number(match[2]) }) };
}

function parseGid(text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`--additional-gids must be a number, not "${text}"`);
  return Number(text);
}

function readProcess(path: string): Process {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new KataError(`process file ${path} cannot be read (${errorCode(error) ?? 'unknown'})`);
  }
  return parseProcess(text);
}

const list = (options: Options, name: string): string[] => (Array.isArray(options[name]) ? (options[name] as string[]) : []);

/** As in runc, added to all sets except the ambient one. */
function moreCapabilities(own: Capabilities | undefined, added: readonly string[]): Capabilities | undefined {
  if (added.length === 0) return own;
  const plus = (set: readonly string[] = []): string[] => [...new Set([...set, ...added])];
  return { ...own, bounding: plus(own?.bounding), effective: plus(own?.effective), permitted: plus(own?.permitted) };
}

/** As in runc, the command line replaces uid and gid, and adds groups. */
function composeUser(own: User | undefined, options: Options): User {
  const text = textOption(options, 'user');
  const gids = list(options, 'additionalGids').map(parseGid);
  return {
    ...own,
    ...(text !== undefined && parseUser(text)),
    ...(gids.length > 0 && { additionalGids: [...(own?.additionalGids ?? []), ...gids] }),
  };
}

/** The container's own process with the changes of the command line. */
function composeProcess(id: string, args: readonly string[], options: Options): Process {
  if (args.length === 0) throw new UsageError('Missing command: name the program to run in the container');
  const { sandboxId, record } = requireContainer(id);
  const { process: own } = loadSavedBundle(sandboxId, id, record).spec;
  const capabilities = moreCapabilities(own?.capabilities, list(options, 'cap'));
  return {
    ...own,
    cwd: textOption(options, 'cwd') ?? own?.cwd ?? '/',
    args: [...args],
    terminal: options['tty'] === true,
    env: [...(own?.env ?? []), ...list(options, 'env')],
    user: composeUser(own?.user, options),
    ...(capabilities && { capabilities }),
    ...(options['newPrivs'] === false && { noNewPrivileges: true }), // commander parses "no-" as a negation
  };
}

export const exec: Verb = {
  describe: (command) =>
    void command
      .argument('<container-id>')
      .argument('[command...]')
      .option('-p, --process <file>', 'process.json to run')
      .option('--console <path>', 'pseudo terminal slave to use')
      .option('--console-socket <path>', 'unix socket that receives the master of the new terminal')
      .option('--cwd <dir>', 'working directory')
      .option('-e, --env <name=value>', 'environment variable, repeatable', collect)
      .option('-t, --tty', 'with a terminal')
      .option('-u, --user <uid:gid>', 'user, in numbers')
      .option('-d, --detach', 'do not wait for the process')
      .option('--pid-file <path>', 'file to write the process id to')
      .option('--pidfd-socket <path>', 'unix socket that receives a pidfd of the process')
      .option('--process-label <label>', 'accepted')
      .option('--apparmor <profile>', 'accepted')
      .option('--no-new-privs', 'set no_new_privs for the process')
      .option('-c, --cap <capability>', 'capability to add, repeatable', collect)
      .option('--no-subreaper', 'accepted')
      .option('--preserve-fds <n>', 'accepted')
      .option('-g, --additional-gids <gid>', 'further group, in numbers, repeatable', collect)
      .option('--cgroup <path>', 'accepted')
      .option('--ignore-paused', 'accepted'),
  async run({ args, options, context, isFromEngine }) {
    const id = findId(args[0], { isFromEngine });
    const processFile = textOption(options, 'process');
    const requested = processFile === undefined ? composeProcess(id, args.slice(1), options) : readProcess(processFile);
    const detached = options['detach'] === true;
    const [terminal, consoleSocket] = [textOption(options, 'console'), textOption(options, 'consoleSocket')];
    const pidfdSocket = textOption(options, 'pidfdSocket');
    const starting = execProcess(await context(), {
      id,
      process: requested,
      attached: !detached,
      ...(terminal !== undefined && { console: terminal }),
      ...(consoleSocket !== undefined && { consoleSocket }),
      ...(pidfdSocket !== undefined && { pidfdSocket }),
      onStarted: ({ identity }) => writePidFile(textOption(options, 'pidFile'), identity.pid),
    });
    if (!detached) forwardSignals(starting);
    const { child } = await starting;
    return detached ? 0 : awaitExitCode(child);
  },
};
