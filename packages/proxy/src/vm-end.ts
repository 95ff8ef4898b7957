/** Explains the end of a VM in the log: QEMU is not the proxy's child, so the cause is derived from its log and its cgroup. */
import { sanitizeLine } from '@kata-containers/common/errors/guest-text';

/** Limit for QEMU's last line: a guest can make QEMU write long lines. */
const MAX_LINE = 300;

/** `log` is the end of qemu.log, `killedForMemory` is true when the kernel has OOM-killed a process of the sandbox's cgroup. Pure. */
export function endText(log: string, killedForMemory: boolean): string {
  if (killedForMemory) return 'QEMU was OOM-killed by the host: its cgroup, or the host, ran out of memory';
  const last = log.trimEnd().split('\n').at(-1) ?? '';
  const [, signal, from] = /terminating on signal (\d+)(?: from (pid \d+ \(.*\)))?/.exec(last) ?? [];
  if (signal !== undefined) return `QEMU ended by signal ${signal}${from === undefined ? '' : ` from ${sanitizeLine(from)}`}`;
  const silent = "QEMU was killed (SIGKILL), crashed, or the guest shut down; the kernel's log (dmesg) names kills and crashes";
  return last === '' ? silent : `last line of qemu.log: ${sanitizeLine(last.slice(0, MAX_LINE))}`;
}
