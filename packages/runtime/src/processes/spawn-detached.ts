/**
 * Starts the processes that outlive a verb. Each gets only the fds that it needs: with a leaked pipe docker would wait for end of file
 * forever.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CLONE_NEWNET, CLONE_NEWPID } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { inheritOomScore } from './oom-score.ts';

/** A process that `spawnDetached` has started. */
export interface SpawnedProcess {
  readonly identity: ProcessIdentity;
  readonly child: ChildProcess;
}

export interface SpawnRequest {
  readonly binary: string;
  readonly args: readonly string[];
  readonly stdio: StdioOptions;
  /** Starts a session of its own. */
  readonly detached: boolean;
  readonly environment: NodeJS.ProcessEnv;
}

/** Starts a process that outlives the runtime. @throws KataError when the program cannot be run */
export function spawnDetached({ binary, args, stdio, detached, environment }: SpawnRequest): SpawnedProcess {
  const child = spawn(binary, args, { stdio, detached, env: environment, cwd: '/' });
  child.on('error', () => {}); // reported below: without a pid there is no process
  child.unref();
  const identity = child.pid === undefined ? undefined : identifyProcess(child.pid);
  if (!identity) throw new KataError(`${binary} cannot be run`);
  inheritOomScore(identity.pid);
  return { identity, child };
}

/** Namespaces of a new shim. */
export interface ShimNamespaces {
  readonly network: string;
  /** Pid of the container's shim, whose PID namespace the shim of an exec joins; without it a new PID namespace is created. */
  readonly joinPidOf?: number;
}

/**
 * Runs `act` with the main thread prepared so that its next child starts in these namespaces. Synchronous: between entering
 * and leaving a PID namespace no thread can be created, so no other code may run.
 */
export function inShimNamespaces<T>(namespaces: ShimNamespaces, kernel: Pick<Kernel, 'setns' | 'unshare'>, act: () => T): T {
  const home = ['net', 'pid'].map((name) => openSync(`/proc/self/ns/${name}`, 'r')) as [number, number];
  const network = openSync(namespaces.network, 'r');
  const pid = namespaces.joinPidOf === undefined ? undefined : openSync(`/proc/${namespaces.joinPidOf}/ns/pid`, 'r');
  try {
    kernel.setns(network, CLONE_NEWNET);
    if (pid === undefined) kernel.unshare(CLONE_NEWPID);
    else kernel.setns(pid, CLONE_NEWPID);
    return act();
  } finally {
    kernel.setns(home[1], CLONE_NEWPID);
    kernel.setns(home[0], CLONE_NEWNET);
    for (const fd of [...home, network, ...(pid === undefined ? [] : [pid])]) closeSync(fd);
  }
}
