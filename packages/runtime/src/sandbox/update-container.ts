/** `update`: new limits for a container, which its guest applies. */
import type { Logger } from '@kata-containers/common/logging/logger';
import type { Resources } from '@kata-containers/common/oci/spec';
import { guestResources } from '../bundle/agent-spec.ts';
import { callGuest } from './call-guest.ts';
import { requireFor } from './require-for.ts';

/** The guest's disks have no scheduler that knows weights, and CPU numbers are the host's. */
function warnOfIgnored({ blockIO, cpu }: Resources, log: Logger): void {
  if (Number(blockIO?.weight ?? 0) !== 0) log.warn('a weight of block I/O has no effect in a guest');
  if ((cpu?.cpus ?? '') !== '' || (cpu?.mems ?? '') !== '') log.warn('CPU and memory node numbers of the host have no effect in a guest');
}

/** What is zero stays as it is. @throws ContainerNotFoundError, StateError, AgentError */
export async function updateContainer(id: string, resources: Resources, log: Logger): Promise<void> {
  const { sandbox } = requireFor('update', id);
  warnOfIgnored(resources, log);
  const request = { container_id: id, resources: guestResources(resources) };
  await callGuest(sandbox, (agent, deadline) => agent.call('updateContainer', request, deadline));
}
