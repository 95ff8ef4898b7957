/** Whether a process of the host works with a sandbox: its engine's, a command of kata-runtime, or the shim of one of its processes. Pure. */
import type { HostProcess } from '../../processes/host-processes.ts';

/** Option of kata-proxy, which serves the sandbox and does not count as its user. */
const PROXY_OPTION = '-sandbox';

function names({ args }: HostProcess, ids: ReadonlySet<string>): boolean {
  return args.some((arg, index) => ids.has(arg) && args[index - 1] !== PROXY_OPTION);
}

/** The first process that names one of the ids as an argument of its own: `docker attach ID`, `containerd-shim-runc-v2 -id ID`, `conmon -c ID`. */
export const userOf = (processes: readonly HostProcess[], ids: readonly string[]): HostProcess | undefined => {
  const set = new Set(ids);
  return processes.find((candidate) => names(candidate, set));
};

const isRuntime = (arg: string): boolean => /(^|\/)kata-runtime[^/]*$/.test(arg);

/** True while the VM cache server runs, or a create that may request a VM from it. */
export const cacheIsUsed = (processes: readonly HostProcess[]): boolean =>
  processes.some(({ args }) => args.some(isRuntime) && args.some((arg) => ['factory', 'create', 'run'].includes(arg)));
