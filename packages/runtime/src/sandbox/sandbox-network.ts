/** The sandbox's network namespace: found or made, and filled by the engine's hooks. */
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Context } from '../context/context.ts';
import { randomUuid } from '../context/random-uuid.ts';
import { traceStep } from '../context/trace-step.ts';
import { scanNetwork } from '../network/join.ts';
import { planNetworks } from '../network/macvtap-plan.ts';
import { createNetworkNamespace, isOwnNamespace } from '../network/namespace.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import { dnsLines } from './dns-lines.ts';
import { runPrestartHooks } from './container-hooks.ts';
import type { SandboxRequest } from './sandbox-request.ts';

const HOST_NETWORK =
  'Host networking requested, not supported by runtime: a VM has a network of its own (use a bridge network and published ports)';

/** The namespace that the spec names, or a new one. @throws KataError for the host's own */
function findNamespace({ kernel }: Context, { bundle: { spec }, journal }: SandboxRequest): Pick<SandboxNetwork, 'path' | 'created'> {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network');
  if (!namespace) throw new KataError(HOST_NETWORK);
  if (namespace.path !== undefined && namespace.path !== '') {
    if (isOwnNamespace(namespace.path)) throw new KataError(HOST_NETWORK);
    return { path: namespace.path, created: false };
  }
  const path = `/run/netns/cnitest-${randomUuid()}`;
  journal.record({ undo: 'delete-netns', path });
  createNetworkNamespace(path, kernel);
  return { path, created: true };
}

/**
 * Finds or makes the namespace, has the engine's hooks fill it, and reads what is configured there. Nothing is attached to a VM yet.
 * @throws KataError when the namespace is another VM's, whose taps our failure would remove
 */
export async function prepareNetwork(context: Context, request: SandboxRequest): Promise<SandboxNetwork> {
  const { path, created } = findNamespace(context, request);
  await runPrestartHooks(context, path, request);
  if (context.configuration.runtime.internetworking_model === 'none')
    return { path, created, facts: { links: [], routes: [], neighbours: [], taps: [], present: {} }, hasResolver: false, networks: [] };
  const facts = await traceStep(context.log, 'read links', () => scanNetwork(path, context.kernel));
  if (!created && facts.taps.length > 0)
    throw new KataError(
      `network namespace ${path} belongs to another VM (${facts.taps.join(', ')}): only containers of one pod share a network`,
    );
  const hasResolver = namesDockerResolver(dnsLines(request.bundle.spec));
  return { path, created, facts, hasResolver, networks: planNetworks(facts.links, context.configuration.runtime.internetworking_model) };
}
