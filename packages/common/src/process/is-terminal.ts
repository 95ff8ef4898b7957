/**
 * isatty(3). Its module is loaded by the first call: Bun takes 2 ms of CPU time for it, with sockets and streams, and most commands
 * do not need to know.
 */
export const isTerminal = (fd: number): boolean => process.getBuiltinModule('node:tty').isatty(fd);
