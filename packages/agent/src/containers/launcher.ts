/** Starts processes by crun: creates their stdio, and reports their pid and exit status. */
import { readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { status } from '@grpc/grpc-js';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { GrpcError } from '../errors/grpc-error.ts';
import type { Crun } from './crun.ts';
import { pipeStdio, terminalStdio } from './process.ts';
import type { Stdio } from './process.ts';
import type { ProcessIo } from './process-io.ts';
import type { Reaper } from '../processes/reaper.ts';

const { SIGKILL } = constants.signals;

export interface LaunchTools {
  readonly kernel: Kernel;
  readonly reaper: Reaper;
  readonly crun: Crun;
  /** Bytes of the pipes; 0 for the default. */
  readonly pipeBytes: number;
}

/** The crun command and its arguments. */
export interface Launch {
  readonly terminal: boolean;
  /** Whether stdin is /dev/null. */
  readonly nullStdin: boolean;
  /** The first argument of the process, for the error text. */
  readonly command: string;
  readonly args: readonly string[];
}

export interface Launched {
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly io: ProcessIo;
}

async function runCrun({ args, command }: Launch, stdio: Stdio, pidFile: string, { crun }: LaunchTools): Promise<number> {
  const options = { stdio: stdio.forCrun, command };
  const [verb = '', ...rest] = args;
  await crun.run([verb, ...stdio.args, '--pid-file', pidFile, ...rest], options).catch((error: unknown) => {
    throw new GrpcError(status.INTERNAL, errorMessage(error));
  });
  return Number(readFileSync(pidFile, 'latin1'));
}

/** `scratch` is a prefix for the names of temporary files. @throws GrpcError */
export async function launch(what: Launch, scratch: string, tools: LaunchTools): Promise<Launched> {
  const { kernel, reaper, pipeBytes } = tools;
  const stdio = what.terminal ? await terminalStdio(`${scratch}.tty`, kernel) : pipeStdio(kernel, pipeBytes, what.nullStdin);
  const pidFile = `${scratch}.pid`;
  try {
    const { pid, exited } = await reaper.adopt(() => runCrun(what, stdio, pidFile, tools));
    try {
      return { pid, exited, io: await stdio.open() };
    } catch (error) {
      kernel.kill(pid, SIGKILL); // a process that is not in the table could not be signalled
      throw error;
    }
  } finally {
    stdio.release();
    rmSync(pidFile, { force: true });
  }
}
