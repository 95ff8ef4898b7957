/** The tools of every use case, created once by the command line. */
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Accelerator } from '../hypervisor/qemu/qemu-plan.ts';
import type { Configuration } from '../configuration/schema.ts';
import type { VerbTrace } from '../tracing/verb-trace.ts';

/** The process that runs kata-runtime. */
export interface Caller {
  /** containerd passes the address of its ttrpc service to its shims, and they pass it to the runtime. */
  readonly environment: NodeJS.ProcessEnv;
  /** Arguments of the parent process; empty when it has ended. */
  readonly args: readonly string[];
}

export interface Context {
  readonly configuration: Configuration;
  readonly configurationPath: string;
  /** Path of kata-runtime itself. */
  readonly program: string;
  readonly log: Logger;
  readonly trace: VerbTrace;
  readonly kernel: Kernel;
  /** Environment of child processes. */
  readonly environment: NodeJS.ProcessEnv;
  readonly caller: Caller;
}

/** The tools of verbs on an existing container, which do not need a valid configuration. */
export type Tools = Pick<Context, 'log' | 'kernel' | 'trace'>;

/** Emulation is slower by this factor, with a margin for a busy host. */
const TCG_FACTOR = 6;

/** A time-out for work in the guest, in milliseconds: `milliseconds` is 1.x's, for KVM. */
export const guestTimeout = (milliseconds: number, accelerator: Accelerator): number =>
  milliseconds * (accelerator === 'tcg' ? TCG_FACTOR : 1);

/** Time for the first answer of the agent: 1.x's. */
export const BOOT_TIMEOUT_MS = 30_000;
/** Time for QEMU to open its monitor. */
export const QMP_TIMEOUT_MS = 10_000;
/** Time for QEMU to write or to load the state of a VM, and for short calls while a template is made. */
export const STATE_TIMEOUT_MS = 5000;
/** 1.x's time for a guest to release a device. */
const UNPLUG_TIMEOUT_MS = 3000;

/** Milliseconds for a guest to release a device. */
export const unplugTimeout = (accelerator: Accelerator): number => guestTimeout(UNPLUG_TIMEOUT_MS, accelerator);
