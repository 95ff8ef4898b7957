/**
 * Limits of block I/O (`--device-read-bps`, `--blkio-weight` …) as writes to the host's cgroups: the limits name devices of the host, and
 * QEMU performs the container's reads and writes of files of the host. Pure.
 */
import type { BlockIo } from '@kata-containers/common/oci/spec';
import type { CgroupWrite } from './vcpu-limits-plan.ts';

const throttles = [
  ['throttleReadBpsDevice', 'read_bps_device', 'rbps'],
  ['throttleWriteBpsDevice', 'write_bps_device', 'wbps'],
  ['throttleReadIOPSDevice', 'read_iops_device', 'riops'],
  ['throttleWriteIOPSDevice', 'write_iops_device', 'wiops'],
] as const;

/** Documentation/admin-guide/cgroup-v1/blkio-controller.rst, cgroup-v2.rst: each write sets one device. */
export const throttleWrites = (version: 1 | 2, blockIo: BlockIo): CgroupWrite[] =>
  throttles.flatMap(([field, first, second]) =>
    (blockIo[field] ?? []).map(({ major, minor, rate }): CgroupWrite =>
      version === 1 ? [`blkio.throttle.${first}`, `${major}:${minor} ${rate}`] : ['io.max', `${major}:${minor} ${second}=${rate}`],
    ),
  );

/** Whether the limits have weights, which few I/O schedulers support. */
export const hasWeights = ({ weight, leafWeight, weightDevice = [] }: BlockIo): boolean =>
  Number(weight ?? 0) + Number(leafWeight ?? 0) > 0 || weightDevice.length > 0;

/** File names of BFQ; its weights have the same range in both versions (block/bfq-cgroup.c). */
export function weightWrites(version: 1 | 2, { weight, weightDevice = [] }: BlockIo): CgroupWrite[] {
  const file = version === 1 ? 'blkio.bfq.weight' : 'io.bfq.weight';
  const devices = weightDevice.flatMap(({ major, minor, weight: own }): CgroupWrite[] =>
    own === undefined ? [] : [[version === 1 ? `${file}_device` : file, `${major}:${minor} ${own}`]],
  );
  return [...(Number(weight ?? 0) === 0 ? [] : [[file, String(weight)] as const]), ...devices];
}
