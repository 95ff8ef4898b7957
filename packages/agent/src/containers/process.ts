/** One process of a container: its stdio and its exit status. */
import { closeSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { once } from 'node:events';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { socketDescriptor } from '@kata-containers/common/kernel/socket-descriptor';
import type { AttachedCalls } from './attached-calls.ts';
import type { CrunStdio } from './crun.ts';
import { ProcessIo } from './process-io.ts';

type Descriptors = Pick<Kernel, 'pipe' | 'setPipeSize' | 'receiveDescriptor' | 'setWindowSize' | 'duplicate'>;

/** How a process has ended. */
export interface ExitStatus {
  /** Exit code, or 128 + a signal. */
  readonly code: number;
  /** Whether a process of the container was OOM-killed; only valid for the container's first process. */
  readonly isOomKilled: boolean;
}

export interface GuestProcess {
  readonly pid: number;
  readonly io: ProcessIo;
  /** Exit code, or 128 + the signal that ended it. */
  readonly exited: Promise<number>;
  /** The value of `exited`; undefined until the process has ended. After that, `pid` may belong to another process. */
  readonly exitCode: () => number | undefined;
  /** For exec'd processes only: a container's first process continues without its shim. */
  readonly attachedCalls: AttachedCalls | undefined;
}

/** Pipes as large as the kernel lets root have them: fewer, larger reads and writes cross the channel. */
const PIPE_BYTES = 1 << 20;

/** Stdio of a process that crun starts: fds or a socket for crun, and then the process's streams. */
export interface Stdio {
  readonly forCrun: CrunStdio;
  /** Arguments for crun's command line. */
  readonly args: readonly string[];
  /** To be called when crun has succeeded. */
  open(): Promise<ProcessIo>;
  /** To be called in any case. */
  release(): void;
}

function sizePipe(fd: number, bytes: number, kernel: Descriptors): void {
  try {
    kernel.setPipeSize(fd, bytes);
  } catch {
    // A smaller pipe is slower, but works.
  }
}

/** `nullStdin`: the process reads /dev/null, and not a pipe. */
export function pipeStdio(kernel: Descriptors, wishedBytes: number, nullStdin: boolean): Stdio & { readonly forCrun: readonly number[] } {
  const makePipe = (): readonly [number, number] => {
    const [readEnd, writeEnd] = kernel.pipe(0);
    sizePipe(readEnd, wishedBytes > 0 ? wishedBytes : PIPE_BYTES, kernel);
    return [readEnd, writeEnd];
  };
  const [theirIn, ourIn] = nullStdin ? ([openSync('/dev/null', 'r'), undefined] as const) : makePipe();
  const [[ourOut, theirOut], [ourErr, theirErr]] = [makePipe(), makePipe()];
  const ours = [...(ourIn === undefined ? [] : [ourIn]), ourOut, ourErr];
  let opened = false;
  return {
    forCrun: [theirIn, theirOut, theirErr],
    args: [],
    open() {
      opened = true;
      return Promise.resolve(new ProcessIo({ kind: 'pipes', stdin: ourIn, stdout: ourOut, stderr: ourErr }, kernel, kernel.duplicate));
    },
    release() {
      for (const fd of [theirIn, theirOut, theirErr, ...(opened ? [] : ours)]) closeSync(fd);
    },
  };
}

/** Timeout for a connection that crun made before it ended. */
const TERMINAL_MS = 5000;

/** The master that crun sends over its connection. */
function receiveTerminal(connection: Socket, kernel: Descriptors): number {
  const master = kernel.receiveDescriptor(socketDescriptor(connection));
  if (master === undefined) throw new Error('crun sent no terminal');
  return master;
}

/** crun creates the terminal inside the container and sends the master over a socket. */
export async function terminalStdio(socketPath: string, kernel: Descriptors): Promise<Stdio> {
  let connection: Socket | undefined;
  const server = createServer({ pauseOnConnect: true }, (socket) => (connection = socket));
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    forCrun: 'ignore',
    args: ['--console-socket', socketPath],
    async open() {
      // The exit of crun may be reported before its connection.
      if (!connection) await once(server, 'connection', { signal: AbortSignal.timeout(TERMINAL_MS) }).catch(() => {});
      if (!connection) throw new Error('crun sent no terminal');
      return new ProcessIo({ kind: 'terminal', master: receiveTerminal(connection, kernel) }, kernel, kernel.duplicate);
    },
    release() {
      connection?.destroy();
      server.close();
      rmSync(socketPath, { force: true });
    },
  };
}
