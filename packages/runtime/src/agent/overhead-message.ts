/** The overhead of a sandbox beyond its containers, in 1.x's format (kata-overhead.go). Pure. */

export interface OverheadSample {
  /** Nanoseconds of a monotonic clock. */
  readonly time: bigint;
  /** CPU time of the sandbox's processes on the host, and of its containers in the guest, in nanoseconds. */
  readonly hostCpu: bigint;
  readonly guestCpu: bigint;
  /** Bytes. */
  readonly hostMemory: bigint;
  readonly guestMemory: bigint;
}

/** C's %f. */
const percent = (used: bigint, passed: bigint): number => (Number(used) / Number(passed)) * 100;

export function overheadMessage(id: string, first: OverheadSample, last: OverheadSample, vcpus: number): string {
  const passed = last.time - first.time;
  const [host, guest] = [percent(last.hostCpu - first.hostCpu, passed), percent(last.guestCpu - first.guestCpu, passed)];
  const lines = [
    `Sandbox overhead for container: ${id}`,
    `cpu_overhead=${(host - guest).toFixed(6)}`,
    `memory_overhead_bytes=${last.hostMemory - last.guestMemory}`,
    '',
    ' --CPU details--',
    `cpu_host=${host.toFixed(6)}`,
    `\tcpu_host_init=${first.hostCpu}`,
    `\tcpu_host_final=${last.hostCpu}`,
    `cpu_guest=${guest.toFixed(6)}`,
    `\tcpu_guest_init=${first.guestCpu}`,
    `\tcpu_guest_final=${last.guestCpu}`,
    `Number of available vCPUs=${vcpus}`,
    ' --Memory details--',
    `memory_host_bytes=${last.hostMemory}`,
    `memory_guest_bytes=${last.guestMemory}`,
    '',
  ];
  return `${lines.join('\n')}\n`;
}
