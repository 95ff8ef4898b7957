/** Threads of a process that may be in a PID namespace of its own, like QEMU. */
import { readFileSync, readdirSync } from 'node:fs';

/** The thread's id in its own PID namespace, the last of NSpid (proc_pid_status(5)); undefined when the thread has ended. */
function ownNumber(status: string): number | undefined {
  try {
    return Number(/^NSpid:.*?(\d+)$/m.exec(readFileSync(status, 'utf8'))?.[1]);
  } catch {
    return undefined;
  }
}

function threadsIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // the process has ended
  }
}

/** The host's ids of threads of process `pid`, from their ids in its PID namespace. Unknown ids are omitted. */
export function hostThreads(pid: number, own: readonly number[]): number[] {
  const directory = `/proc/${pid}/task`;
  return threadsIn(directory)
    .filter((thread) => own.includes(ownNumber(`${directory}/${thread}/status`) ?? 0))
    .map(Number);
}
