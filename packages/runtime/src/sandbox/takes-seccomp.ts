import type { AgentConnection } from '@kata-containers/common/agent-api/agent-connection';
import type { Bundle } from '../bundle/load-bundle.ts';
import type { Context } from '../context/context.ts';

/** A profile is sent only to an agent that supports seccomp: others would refuse the container (as in 1.x). @throws AgentError */
export async function takesSeccomp({ configuration }: Context, { spec }: Bundle, agent: AgentConnection): Promise<boolean> {
  if (configuration.runtime.disable_guest_seccomp || !spec.linux?.seccomp) return false;
  const { agent_details } = await agent.call('getGuestDetails', {});
  return agent_details?.supports_seccomp === true;
}
