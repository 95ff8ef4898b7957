/**
 * The cgroup files that limit a VM's vCPUs to their containers' limits. The vCPU threads have a cgroup of their own below the sandbox's,
 * so that QEMU's other threads, which do the guest's I/O, are not throttled with them. Pure.
 */
import { VCPU_GROUP } from './group-names.ts';

export interface VcpuLimits {
  /** CPU time in microseconds of each period; 0 means no limit. */
  readonly quota: number;
  readonly period: number;
  /** Relative weight of the whole sandbox, as in version 1; 0 means unchanged. */
  readonly shares: number;
}

/** Files below the sandbox's cgroup and their values, in order. */
export type CgroupWrite = readonly [file: string, value: string];

const DEFAULT_PERIOD = 100_000;

/** As runc and systemd convert them: 2…262144 become 1…10000. */
const weight = (shares: number): number => 1 + Math.floor(((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);

/** sched-bwc: the kernel refuses a period for which the quota is too small, so the quota is written first. */
function version1({ quota, period, shares }: VcpuLimits): CgroupWrite[] {
  return [
    ...(shares > 0 ? [['cpu.shares', String(shares)] as const] : []),
    [`${VCPU_GROUP}/cpu.cfs_quota_us`, '-1'],
    ...(quota > 0
      ? ([
          [`${VCPU_GROUP}/cpu.cfs_period_us`, String(period || DEFAULT_PERIOD)],
          [`${VCPU_GROUP}/cpu.cfs_quota_us`, String(quota)],
        ] as const)
      : []),
  ];
}

/** cgroups(7): threads can be in another cgroup than their process only if it is threaded, which must be set before controllers are enabled. */
function version2({ quota, period, shares }: VcpuLimits): CgroupWrite[] {
  return [
    ...(shares > 0 ? [['cpu.weight', String(weight(shares))] as const] : []),
    [`${VCPU_GROUP}/cgroup.type`, 'threaded'],
    ['cgroup.subtree_control', '+cpu'],
    [`${VCPU_GROUP}/cpu.max`, `${quota > 0 ? quota : 'max'} ${period || DEFAULT_PERIOD}`],
  ];
}

export function vcpuLimitWrites(version: 1 | 2, limits: VcpuLimits, threads: readonly number[]): CgroupWrite[] {
  const [writes, members] = version === 1 ? [version1(limits), 'tasks'] : [version2(limits), 'cgroup.threads'];
  return [...writes, ...threads.map((thread): CgroupWrite => [`${VCPU_GROUP}/${members}`, String(thread)])];
}

/** Limits of a whole sandbox, including the overhead of its VM (`sandbox_cgroup_only`). */
export function wholeLimitWrites(version: 1 | 2, { quota, period, shares }: VcpuLimits, memoryBytes: number): CgroupWrite[] {
  const time = String(period || DEFAULT_PERIOD);
  if (version === 2) {
    return [
      ...(shares > 0 ? [['cpu.weight', String(weight(shares))] as const] : []),
      ['cpu.max', `${quota > 0 ? quota : 'max'} ${time}`],
      ['memory.max', memoryBytes > 0 ? String(memoryBytes) : 'max'],
    ];
  }
  return [
    ...(shares > 0 ? [['cpu.shares', String(shares)] as const] : []),
    ['cpu.cfs_quota_us', '-1'],
    ...(quota > 0
      ? ([
          ['cpu.cfs_period_us', time],
          ['cpu.cfs_quota_us', String(quota)],
        ] as const)
      : []),
    ['memory.limit_in_bytes', memoryBytes > 0 ? String(memoryBytes) : '-1'],
  ];
}
