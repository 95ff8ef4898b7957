/**
 * Programs that run on Bun. All programs of the host are one executable, the agent is another: a launcher (launch.c) for each program starts
 * its executable under the program's name.
 */
import { WAITING_SHIM } from '../../packages/common/src/command-lines/shim-command-line.ts';

export interface EngineProgram {
  readonly name: string;
  /** The launcher, which callers start, below /usr. */
  readonly path: string;
  /** Variables of Bun that the launcher sets. */
  readonly variables: readonly string[];
  /** Text in the launcher that tells callers what the program knows. */
  readonly mark?: string;
  /** Whether it is PID 1 of a guest. */
  readonly isInit?: boolean;
}

/**
 * Bun compiles, collects garbage and returns memory in the main thread. kata-runtime's main thread enters PID namespaces for its next child:
 * until it leaves them, the kernel refuses new threads (clone(2), CLONE_NEWPID), and Bun aborts if it cannot create one. In other programs
 * the threads would take memory.
 */
const NO_THREADS = [
  'BUN_JSC_useConcurrentJIT=0',
  'BUN_JSC_useConcurrentGC=0',
  'BUN_JSC_numberOfGCMarkers=1',
  'BUN_JSC_useWarmUpMarkedBlocks=0',
  'MIMALLOC_SCAVENGER=0',
];

/**
 * For programs that wait as long as a container or the host runs: otherwise Bun checks each second whether to collect garbage. Their code
 * is not optimized: it copies bytes, and compiled code takes memory.
 */
const IDLE = [...NO_THREADS, 'BUN_JSC_useDFGJIT=0', 'BUN_GC_TIMER_DISABLE=1'];

export const enginePrograms: readonly EngineProgram[] = [
  { name: 'kata-runtime', path: 'bin/kata-runtime', variables: NO_THREADS },
  { name: 'kata-proxy', path: 'libexec/kata-containers/kata-proxy', variables: IDLE },
  { name: 'kata-shim', path: 'libexec/kata-containers/kata-shim', variables: IDLE, mark: WAITING_SHIM },
  { name: 'kata-ksm-throttler', path: 'libexec/kata-ksm-throttler/kata-ksm-throttler', variables: IDLE },
  { name: 'vc', path: 'libexec/kata-ksm-throttler/trigger/virtcontainers/vc', variables: IDLE },
];

/** Directory of the executable, below /usr. */
export const ENGINE_DIRECTORY = 'libexec/kata-containers/engine';
/** The executable in it. The other programs' names are links to it. */
export const ENGINE = 'kata-runtime';

/**
 * The agent is interpreted: QEMU must translate new code of an emulated guest, which takes most of the time, and each compilation of
 * JavaScript creates new code.
 */
export const agentProgram: EngineProgram = {
  name: 'kata-agent',
  path: 'bin/kata-agent',
  variables: [...IDLE, 'BUN_JSC_useBaselineJIT=0', 'BUN_JSC_useRegExpJIT=0'],
  isInit: true,
};
