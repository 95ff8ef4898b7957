/** Parses the kernel's record of a process that was killed for a system call (audit record 1326, AUDIT_SECCOMP). Pure. */
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';

/** x86-64 numbers of the system calls that QEMU's filter can deny (softmmu/qemu-seccomp.c). */
const names: Readonly<Record<number, string>> = {
  ...{ 56: 'clone', 57: 'fork', 58: 'vfork', 59: 'execve', 322: 'execveat', 435: 'clone3' },
  ...{ 105: 'setuid', 106: 'setgid', 109: 'setpgid', 112: 'setsid', 113: 'setreuid', 114: 'setregid', 117: 'setresuid' },
  ...{ 119: 'setresgid', 122: 'setfsuid', 123: 'setfsgid' },
  ...{ 141: 'setpriority', 142: 'sched_setparam', 144: 'sched_setscheduler', 203: 'sched_setaffinity' },
  ...{ 103: 'syslog', 165: 'mount', 166: 'umount2', 167: 'swapon', 168: 'swapoff', 169: 'reboot', 246: 'kexec_load' },
  ...{ 134: 'uselib', 136: 'ustat', 139: 'sysfs', 156: '_sysctl', 174: 'create_module', 177: 'get_kernel_syms', 178: 'query_module' },
  ...{ 181: 'getpmsg', 182: 'putpmsg', 183: 'afs_syscall', 184: 'tuxcall', 185: 'security', 236: 'vserver' },
};

/** Time of a record of /dev/kmsg in microseconds after boot. Start times are in ticks of 10 ms. */
const timeOf = (record: string): number => Number(record.split(',')[2]);
const TICK_US = 10_000;

/**
 * Identifies the killed process, by the path of the program or by pid and start time. A record before the start time belongs to an earlier
 * process with the same pid.
 */
function isOf(record: string, culprit: string | ProcessIdentity): boolean {
  if (typeof culprit === 'string') return record.includes(` exe="${culprit}" `);
  return record.includes(` pid=${culprit.pid} `) && timeOf(record) >= Number(culprit.startTime) * TICK_US;
}

/** @returns the name of the system call that `culprit` was killed for, or its number; undefined for another record */
export function deniedCall(record: string, culprit: string | ProcessIdentity): string | undefined {
  if (!record.includes(' type=1326 ') || !isOf(record, culprit)) return undefined;
  const number = / syscall=(\d+) /.exec(record)?.[1];
  return number === undefined ? undefined : (names[Number(number)] ?? `number ${number}`);
}
