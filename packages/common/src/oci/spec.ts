/**
 * The fields of the OCI runtime specification's config.json that Kata reads (config.md, config-linux.md). Other fields stay in the
 * object unchanged. 64-bit numbers beyond 2^53 are bigints.
 */

export type Integer = number | bigint;

export interface Spec {
  ociVersion: string;
  process?: Process;
  root?: Root;
  hostname?: string;
  domainname?: string;
  mounts?: Mount[];
  hooks?: Hooks;
  annotations?: Record<string, string>;
  linux?: Linux;
}

export interface Process {
  terminal?: boolean;
  consoleSize?: { height: number; width: number };
  user?: User;
  args?: string[];
  env?: string[];
  cwd: string;
  capabilities?: Capabilities;
  rlimits?: Rlimit[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  oomScoreAdj?: number;
  selinuxLabel?: string;
}

export interface User {
  uid?: number;
  gid?: number;
  additionalGids?: number[];
  username?: string;
  umask?: number;
}

export interface Capabilities {
  bounding?: string[];
  effective?: string[];
  inheritable?: string[];
  permitted?: string[];
  ambient?: string[];
}

export interface Rlimit {
  type: string;
  hard: Integer;
  soft: Integer;
}

export interface Root {
  path: string;
  readonly?: boolean;
}

export interface Mount {
  destination: string;
  source?: string;
  type?: string;
  options?: string[];
}

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

export interface Hooks {
  prestart?: Hook[];
  createRuntime?: Hook[];
  createContainer?: Hook[];
  startContainer?: Hook[];
  poststart?: Hook[];
  poststop?: Hook[];
}

export interface IdMapping {
  hostID: number;
  containerID: number;
  size: number;
}

export interface Namespace {
  type: string;
  path?: string;
}

export interface Device {
  path: string;
  type: string;
  major?: Integer;
  minor?: Integer;
  fileMode?: number;
  uid?: number;
  gid?: number;
}

export interface DeviceCgroup {
  allow: boolean;
  type?: string;
  major?: Integer;
  minor?: Integer;
  access?: string;
}

interface BlockDevice {
  major: Integer;
  minor: Integer;
}

export interface BlockIo {
  weight?: Integer;
  leafWeight?: Integer;
  weightDevice?: (BlockDevice & { weight?: Integer; leafWeight?: Integer })[];
  /** Bytes, or operations, per second. */
  throttleReadBpsDevice?: (BlockDevice & { rate: Integer })[];
  throttleWriteBpsDevice?: (BlockDevice & { rate: Integer })[];
  throttleReadIOPSDevice?: (BlockDevice & { rate: Integer })[];
  throttleWriteIOPSDevice?: (BlockDevice & { rate: Integer })[];
}

export interface Resources {
  devices?: DeviceCgroup[];
  memory?: {
    limit?: Integer;
    reservation?: Integer;
    swap?: Integer;
    kernel?: Integer;
    kernelTCP?: Integer;
    swappiness?: Integer;
    disableOOMKiller?: boolean;
  };
  cpu?: {
    shares?: Integer;
    quota?: Integer;
    period?: Integer;
    realtimeRuntime?: Integer;
    realtimePeriod?: Integer;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: Integer };
  blockIO?: BlockIo;
  hugepageLimits?: { pageSize: string; limit: Integer }[];
  unified?: Record<string, string>;
}

export interface SeccompArgument {
  index: number;
  value: Integer;
  valueTwo?: Integer;
  op: string;
}

export interface Seccomp {
  defaultAction: string;
  defaultErrnoRet?: number;
  architectures?: string[];
  flags?: string[];
  syscalls?: { names: string[]; action: string; errnoRet?: number; args?: SeccompArgument[] }[];
}

export interface Linux {
  uidMappings?: IdMapping[];
  gidMappings?: IdMapping[];
  sysctl?: Record<string, string>;
  resources?: Resources;
  cgroupsPath?: string;
  namespaces?: Namespace[];
  devices?: Device[];
  seccomp?: Seccomp;
  rootfsPropagation?: string;
  maskedPaths?: string[];
  readonlyPaths?: string[];
  mountLabel?: string;
}
