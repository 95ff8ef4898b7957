/** The warm-up of a template's guest. Its container uses only the guest's static busybox. Pure. */
import { Interface, Route } from '@kata-containers/common/generated/types';
import type { Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import type { Seccomp, Spec } from '@kata-containers/common/oci/spec';
import { createSandboxRequest } from '../../agent/sandbox-requests.ts';
import type { Share } from '../../agent/sandbox-requests.ts';
import { agentSpec } from '../../bundle/agent-spec.ts';
import { shmMount } from '../../storage/share-plan.ts';
import { spareMac } from './spare-link-plan.ts';

const BUSYBOX = '/bin/busybox';
/** Created by the agent's storage driver `local`. */
export const warmUpRoot = '/run/kata-containers/warm-up';

/** Similar to the requests of engines, so that the same code paths have run once. */
const spec: Spec = {
  ociVersion: '1.0.2',
  hostname: 'warm-up',
  process: {
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: [BUSYBOX, 'sleep', '60'],
    env: ['PATH=/bin', 'HOME=/'],
    cwd: '/',
    capabilities: {
      bounding: ['CAP_CHOWN', 'CAP_KILL'],
      effective: ['CAP_CHOWN', 'CAP_KILL'],
      permitted: ['CAP_CHOWN', 'CAP_KILL'],
    },
    rlimits: [{ type: 'RLIMIT_NOFILE', hard: 1024, soft: 1024 }],
    oomScoreAdj: 0,
  },
  linux: {
    cgroupsPath: '/warm-up',
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '1024' }, // the guest's own value, which must not change
    resources: { cpu: { shares: 512 }, memory: { limit: 64 << 20 }, pids: { limit: 64 } },
    namespaces: ['mount', 'uts', 'ipc', 'pid'].map((type) => ({ type })),
    maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware'],
    readonlyPaths: ['/proc/bus', '/proc/irq', '/proc/sys'],
  },
};

const mounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', 'ro'] },
  { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['ro', 'nosuid', 'noexec', 'nodev'] },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
  shmMount(),
  { destination: BUSYBOX, type: 'bind', source: BUSYBOX, options: ['bind', 'ro'] },
  { destination: '/etc/hosts', type: 'bind', source: '/etc/passwd', options: ['rbind', 'rprivate'] },
];

/** A profile that allows everything, for a template that is not made for a container. */
const anyProfile: Seccomp = {
  defaultAction: 'SCMP_ACT_ALLOW',
  syscalls: [{ names: ['read'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: 0, op: 'SCMP_CMP_EQ' }] }],
};

/** `seccomp` is the profile of the container for which the template is made: the agent keeps the compiled program. */
export const warmUpSpec = (seccomp: Seccomp = anyProfile): SpecMessage =>
  agentSpec({ ...spec, linux: { ...spec.linux, seccomp } }, { rootPath: warmUpRoot, mounts, seccomp: true });

/** A process to exec in the container. */
export const warmUpProcess = { Args: [BUSYBOX, 'true'], Env: ['PATH=/bin'], Cwd: '/', Terminal: false };

export const warmUpSandbox = (share: Share) =>
  createSandboxRequest({
    ...{ id: 'warm-up', hostname: 'warm-up', dns: ['nameserver 192.0.2.53'], shmBytes: 64 << 20, share },
    ...{ guestHookPath: '', kernelModules: [] },
  });

/** A spare network device in its initial state, or with an address (of a documentation network, RFC 5737). */
export const spareInterface = (index: number, address?: string): Interface =>
  Interface.fromPartial({
    ...{ name: `eth${index}`, device: `eth${index}`, hwAddr: spareMac(index), mtu: 1500n },
    IPAddresses: address === undefined ? [] : [{ address, mask: '24' }],
  });

export const warmUpAddress = (index: number): string => `192.0.2.${index + 2}`;

/** A route to the gateway and one through it, as in most networks. */
export const warmUpRoutes: readonly Route[] = [
  Route.fromPartial({ dest: '192.0.2.1/32', device: 'eth0', scope: 253 }),
  Route.fromPartial({ gateway: '192.0.2.1', device: 'eth0' }),
];
