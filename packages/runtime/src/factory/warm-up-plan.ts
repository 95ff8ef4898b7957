/** The container that is run in a template before it is saved: made of nothing but the guest's own static busybox. Pure. */
import type { Spec as SpecMessage } from '@kata-containers/common/generated/oci';
import type { Spec } from '@kata-containers/common/oci/spec';
import { agentSpec } from '../bundle/agent-spec.ts';

const BUSYBOX = '/bin/busybox';
/** Made by the agent's storage driver `local`. */
export const warmUpRoot = '/run/kata-containers/warm-up';

/** Like what engines ask for, so that all that they make happen has happened once. */
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
  },
  linux: {
    cgroupsPath: '/warm-up',
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
  { destination: BUSYBOX, type: 'bind', source: BUSYBOX, options: ['bind', 'ro'] },
];

export const warmUpSpec = (): SpecMessage => agentSpec(spec, { rootPath: warmUpRoot, mounts, seccomp: false });

/** A process to be exec'ed in it. */
export const warmUpProcess = { Args: [BUSYBOX, 'true'], Env: ['PATH=/bin'], Cwd: '/', Terminal: false };
