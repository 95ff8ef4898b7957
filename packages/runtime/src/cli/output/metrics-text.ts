/**
 * A sample of all sandboxes as text for Prometheus, in one of its two formats. Pure. The only label is the sandbox's id, so that a sandbox has a fixed
 * number of series.
 */
import type { SandboxUsage, UsageSample } from '../../sandbox/sandbox-usage.ts';

interface Metric {
  readonly type: 'gauge' | 'counter';
  readonly help: string;
  /** undefined: the sandbox has no such value at this moment. */
  readonly value: (usage: SandboxUsage) => number | undefined;
}

const overhead = ({ hostMemoryBytes, guest }: SandboxUsage): number | undefined =>
  guest && Math.max(0, hostMemoryBytes - guest.memoryBytes);

/** Family → metric. `kata_shim_pod_overhead_memory_in_bytes` is Kata 2.x's name; the others are ours. */
export const metrics: Readonly<Record<string, Metric>> = {
  kata_sandbox_up: { type: 'gauge', help: '1 while QEMU is running.', value: ({ isRunning }) => Number(isRunning) },
  kata_sandbox_guest_up: { type: 'gauge', help: '1 while the guest answers.', value: ({ guest }) => Number(guest !== undefined) },
  kata_sandbox_start_time_seconds: {
    type: 'gauge',
    help: 'When the VM was started, in seconds since 1970.',
    value: ({ startedMs }) => startedMs / 1000,
  },
  kata_sandbox_containers: { type: 'gauge', help: 'Running containers.', value: ({ containers }) => containers },
  kata_sandbox_vcpus: { type: 'gauge', help: 'vCPUs that the VM was started with.', value: ({ vcpus }) => vcpus },
  kata_sandbox_cpu_seconds: {
    type: 'counter',
    help: 'CPU time of QEMU, proxy, shims and virtiofsd.',
    value: ({ hostCpuMs }) => hostCpuMs / 1000,
  },
  kata_sandbox_memory_bytes: {
    type: 'gauge',
    help: 'Memory (PSS) of QEMU, proxy, shims and virtiofsd.',
    value: ({ hostMemoryBytes }) => hostMemoryBytes,
  },
  kata_shim_pod_overhead_memory_in_bytes: {
    type: 'gauge',
    help: 'Memory of the sandbox on the host beyond that of its containers in the guest.',
    value: overhead,
  },
  kata_sandbox_guest_cpu_seconds: {
    type: 'counter',
    help: 'CPU time of the containers, as the guest counts it.',
    value: ({ guest }) => guest && guest.cpuMs / 1000,
  },
  kata_sandbox_guest_memory_bytes: {
    type: 'gauge',
    help: 'Memory of the containers, as the guest counts it.',
    value: ({ guest }) => guest?.memoryBytes,
  },
  kata_sandbox_disk_bytes: {
    type: 'counter',
    help: 'Bytes that QEMU and virtiofsd have read from and written to disks of the host.',
    value: ({ hostDiskBytes }) => hostDiskBytes,
  },
  kata_sandbox_network_bytes: {
    type: 'counter',
    help: 'Bytes that the containers sent and received.',
    value: ({ guest }) => guest?.networkBytes,
  },
  kata_sandbox_oom_kills: {
    type: 'counter',
    help: "Processes that the host has OOM-killed in the sandbox's cgroup.",
    value: ({ oomKills }) => oomKills,
  },
};

/** Kata 2.x's name of the number of sandboxes. */
const COUNT = 'kata_monitor_running_shim_count';

/** Names of the series, as a query names them. */
export const seriesNames = (): string[] => [
  COUNT,
  ...Object.entries(metrics).map(([name, { type }]) => (type === 'counter' ? `${name}_total` : name)),
];

/**
 * `openmetrics` (openmetrics.io): comments name the family, without `_total`. `prometheus`: comments name the series, as node_exporter's textfile
 * collector and promtool expect (Prometheus documentation, "Exposition formats").
 */
export type MetricsFormat = 'openmetrics' | 'prometheus';

export function metricsText({ sandboxes }: UsageSample, format: MetricsFormat): string {
  const count = sandboxes.filter(({ isRunning }) => isRunning).length;
  const families = Object.entries(metrics).flatMap(([name, { type, help, value }]) => {
    const series = type === 'counter' ? `${name}_total` : name;
    const samples = sandboxes.flatMap((usage) => {
      const found = value(usage);
      return found === undefined ? [] : [`${series}{sandbox_id="${usage.id}"} ${found}`]; // an id needs no escape (validate-id.ts)
    });
    const commented = format === 'openmetrics' ? name : series;
    return [`# TYPE ${commented} ${type}`, `# HELP ${commented} ${help}`, ...samples];
  });
  const head = [`# TYPE ${COUNT} gauge`, `# HELP ${COUNT} Running sandboxes.`, `${COUNT} ${count}`];
  return `${[...head, ...families, ...(format === 'openmetrics' ? ['# EOF'] : [])].join('\n')}\n`;
}
