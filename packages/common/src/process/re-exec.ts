/** Replaces the running program by a new start of it, with the same pid, arguments and stdio (execve(2)). Does not return where the engine has the call. */
export function reExec(environment: NodeJS.ProcessEnv): void {
  process.execve?.(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], environment);
}
