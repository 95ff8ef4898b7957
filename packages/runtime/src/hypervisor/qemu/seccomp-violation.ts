/** Finds the system call that the seccomp filter denied to QEMU, and for which the kernel killed QEMU. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { deniedCall } from './parse-seccomp-record.ts';

/** Largest record of /dev/kmsg (CONSOLE_EXT_LOG_MAX). */
const RECORD_BYTES = 8192;
/** Limit of the records that are read. */
const MAX_RECORDS = 100_000;

/** Records of the kernel's log, oldest first. */
function* records(): Generator<string> {
  const fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const bytes = Buffer.alloc(RECORD_BYTES);
    for (let count = 0; count < MAX_RECORDS; count++) yield bytes.toString('latin1', 0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

/** The last matching record of the kernel's log. */
function lastDenied(culprit: string | ProcessIdentity): string | undefined {
  let last: string | undefined;
  try {
    for (const record of records()) last = deniedCall(record, culprit) ?? last;
  } catch {
    // EAGAIN is the end of the log.
  }
  return last;
}

const text = (call: string): string =>
  `its seccomp filter denies the system call ${call}; the filter is seccompsandbox of configuration.toml`;

/** Text for the error of a QEMU that was killed by SIGSYS. If an audit daemon has read the record, the system call is unknown. */
export const seccompViolation = (program: string): string => text(lastDenied(program) ?? '(see the audit log)');

/** The same for a QEMU whose exit status is unknown; undefined if the kernel's log has no record. */
export function seccompViolationOf(qemu: ProcessIdentity): string | undefined {
  const call = lastDenied(qemu);
  return call === undefined ? undefined : text(call);
}
