/** Executes the running program again, with the same pid, arguments and stdio (execve(2)). Returns only on an engine without execve. */
export function reExec(environment: NodeJS.ProcessEnv): void {
  process.execve?.(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], environment);
}
