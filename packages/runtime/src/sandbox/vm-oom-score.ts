/** Sets the OOM score of a sandbox's VM when its first container is complete. */
import type { Spec } from '@kata-containers/common/oci/spec';
import type { Context } from '../context/context.ts';
import { childrenOf } from '../processes/process-use.ts';
import { ownOomScore, setOomScore } from '../processes/oom-score.ts';
import type { SandboxState } from '../state/state.ts';

/** Config.json's `process.oomScoreAdj`, or this process' own score. Until then QEMU is the first victim, see `spawnQemu`. */
export function setVmOomScore({ log }: Pick<Context, 'log'>, { HypervisorState: { Process, Virtiofsd } }: SandboxState, spec: Spec): void {
  const daemons = Virtiofsd ? [Virtiofsd.pid, ...childrenOf(Virtiofsd.pid)] : [];
  setOomScore([Process.pid, ...daemons], spec.process?.oomScoreAdj ?? ownOomScore(), log);
}
