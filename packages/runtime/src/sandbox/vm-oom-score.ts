/** Sets the OOM score of a sandbox's VM when its first container is complete. */
import type { Spec } from '@kata-containers/common/oci/spec';
import type { Context } from '../context/context.ts';
import { childrenOf } from '../processes/process-use.ts';
import { ownOomScore, setOomScore } from '../processes/oom-score.ts';
import type { SandboxState } from '../state/state.ts';

/**
 * Config.json's `process.oomScoreAdj`, or this process' own score, which kata-proxy gets in any case. Until then QEMU and kata-proxy are the
 * first victims, see `startGuest`.
 */
export function setVmOomScore({ log }: Pick<Context, 'log'>, { HypervisorState, AgentState }: SandboxState, spec: Spec): void {
  const { Process, Virtiofsd } = HypervisorState;
  const daemons = Virtiofsd ? [Virtiofsd.pid, ...childrenOf(Virtiofsd.pid)] : [];
  setOomScore([Process.pid, ...daemons], spec.process?.oomScoreAdj ?? ownOomScore(), log);
  setOomScore([AgentState.Proxy.pid], ownOomScore(), log);
}
