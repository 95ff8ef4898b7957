/** The limits of a container that decide the size of its VM and the host's cgroups. Pure. */
import { parseCpuList } from '@kata-containers/common/oci/parse-cpu-list';
import type { Integer, Resources } from '@kata-containers/common/oci/spec';

/** Zero and empty mean no limit. */
export interface Limits {
  /** CPU time, in microseconds of each `period`. */
  readonly quota: number;
  readonly period: number;
  readonly shares: number;
  /** CPUs and memory nodes of the host, as lists. */
  readonly cpus: string;
  readonly mems: string;
  readonly memoryBytes: number;
  readonly hugePagesBytes: number;
}

export const noLimits: Limits = { quota: 0, period: 0, shares: 0, cpus: '', mems: '', memoryBytes: 0, hugePagesBytes: 0 };

/** Default period of the kernel (sched-bwc), for a quota without a period. */
const DEFAULT_PERIOD = 100_000;
/** Engines write the largest number for "no limit". */
const UNLIMITED = 2 ** 60;

function amount(value: Integer | undefined): number {
  const number = Number(value ?? 0);
  return number > 0 && number < UNLIMITED ? number : 0;
}

const hugePages = ({ hugepageLimits = [] }: Resources): number => hugepageLimits.reduce((total, { limit }) => total + amount(limit), 0);

export function limitsOf(resources: Resources = {}): Limits {
  const { cpu = {}, memory = {} } = resources;
  return {
    quota: amount(cpu.quota),
    period: amount(cpu.period),
    shares: amount(cpu.shares),
    cpus: cpu.cpus ?? '',
    mems: cpu.mems ?? '',
    memoryBytes: amount(memory.limit),
    hugePagesBytes: hugePages(resources),
  };
}

/** Applies an update to `before`: zero and empty keep a limit, a negative number removes it. */
export function updatedLimits(before: Limits, update: Resources): Limits {
  const { cpu = {}, memory = {} } = update;
  const number = (value: Integer | undefined, old: number): number => (Number(value ?? 0) === 0 ? old : amount(value));
  return {
    quota: number(cpu.quota, before.quota),
    period: number(cpu.period, before.period),
    shares: number(cpu.shares, before.shares),
    cpus: cpu.cpus || before.cpus,
    mems: cpu.mems || before.mems,
    memoryBytes: number(memory.limit, before.memoryBytes),
    hugePagesBytes: hugePages(update) || before.hugePagesBytes,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** Thousandths of a CPU, rounded down; 0 without a quota. */
const milliCpus = ({ quota, period }: Limits): number => Math.floor((quota * 1000) / (period || DEFAULT_PERIOD));

const cpusNamed = (all: readonly Limits[]): number =>
  new Set(all.flatMap(({ cpus }) => (cpus === '' ? [] : [...(parseCpuList(cpus) ?? [])]))).size;

/** vCPUs that the containers need besides those of a new VM. CPU sets count only without a quota (1.x). */
export function extraVcpus(all: readonly Limits[]): number {
  const byQuota = Math.ceil(sum(all.map(milliCpus)) / 1000);
  return byQuota > 0 ? byQuota : cpusNamed(all);
}

/** Memory that the containers need besides that of a new VM, in whole MiB. */
export const extraMemoryMiB = (all: readonly Limits[]): number =>
  sum(all.map(({ memoryBytes, hugePagesBytes }) => Math.floor(memoryBytes / 2 ** 20) + Math.floor(hugePagesBytes / 2 ** 20)));

/** The limits of the VM's vCPUs on the host. */
export interface HostLimits {
  readonly quota: number;
  readonly period: number;
  readonly shares: number;
  readonly cpus: string;
  readonly mems: string;
}

/** The union of lists; an empty list means all CPUs. */
const union = (lists: readonly string[]): string => (lists.includes('') ? '' : lists.join(','));

/**
 * Combines the containers' limits: the sum of quotas, the largest period and shares, the union of CPU sets. In 1.x the sum of quotas
 * throttles a container without a quota, too; here such a container removes the sandbox's quota.
 */
export function hostLimits(all: readonly Limits[]): HostLimits {
  const period = Math.max(0, ...all.map((limits) => limits.period || (limits.quota > 0 ? DEFAULT_PERIOD : 0)));
  const free = all.some(({ quota }) => quota === 0);
  return {
    quota: free ? 0 : Math.floor(sum(all.map((limits) => (limits.quota * period) / (limits.period || DEFAULT_PERIOD)))),
    period,
    shares: Math.max(0, ...all.map(({ shares }) => shares)),
    cpus: union(all.map(({ cpus }) => cpus)),
    mems: union(all.map(({ mems }) => mems)),
  };
}

/** True when no limit changes the VM's size or its vCPUs. */
export const isUnlimited = (all: readonly Limits[]): boolean =>
  all.every(({ quota, cpus, mems, memoryBytes, hugePagesBytes }) => quota + memoryBytes + hugePagesBytes === 0 && cpus + mems === '');
