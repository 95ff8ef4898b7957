/**
 * The exit code of a process, as a trailer of the answer with the end of its last output. The agent sends the trailer if the request had
 * `wants_exit` and the process has ended; then it has removed the process, and WaitProcess is not needed.
 */

/** The trailer's name. An agent of 1.x never sends it. */
export const EXIT_TRAILER = 'kata-exit-code';

/** Undefined for a text that is not an exit code. */
export const parseExitCode = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,3}$/.test(text) ? Number(text) : undefined;
