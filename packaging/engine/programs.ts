/** Programs that run on Bun. All of them are one executable: a launcher (launch.c) for each starts it under the program's name. */

import { WAITING_SHIM } from '../../packages/common/src/command-lines/shim-command-line.ts';

export interface EngineProgram {
  readonly name: string;
  /** The launcher, which callers start, below /usr. */
  readonly path: string;
  /** Variables of Bun that the launcher sets. */
  readonly variables: readonly string[];
  /** Text in the launcher that tells callers what the program knows. */
  readonly mark?: string;
}

/**
 * For programs that wait as long as a container runs: otherwise Bun checks each second whether to collect garbage, and each turn of its
 * event loop wakes up a thread that returns memory.
 */
const IDLE = ['BUN_GC_TIMER_DISABLE=1', 'MIMALLOC_SCAVENGER=0'];

/**
 * For kata-runtime, whose main thread enters PID namespaces for its next child: until it leaves them, the kernel refuses new threads
 * (clone(2), CLONE_NEWPID), and Bun aborts if it cannot create one. Bun must compile, collect garbage and return memory in the main thread.
 */
const NO_THREADS = [
  'BUN_JSC_useConcurrentJIT=0',
  'BUN_JSC_useConcurrentGC=0',
  'BUN_JSC_numberOfGCMarkers=1',
  'BUN_JSC_useWarmUpMarkedBlocks=0',
  'MIMALLOC_SCAVENGER=0',
];

export const enginePrograms: readonly EngineProgram[] = [
  { name: 'kata-runtime', path: 'bin/kata-runtime', variables: NO_THREADS },
  { name: 'kata-shim', path: 'libexec/kata-containers/kata-shim', variables: IDLE, mark: WAITING_SHIM },
];

/** Directory of the executable, below /usr. */
export const ENGINE_DIRECTORY = 'libexec/kata-containers/engine';
/** The executable in it. The other programs' names are links to it. */
export const ENGINE = 'kata-runtime';
