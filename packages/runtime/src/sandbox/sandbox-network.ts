/** Finds or creates the sandbox's network namespace, and reads what the engine has configured there. */
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Context } from '../context/context.ts';
import { scanNetwork } from '../network/join.ts';
import { modelBeside, planNetworks } from '../network/macvtap-plan.ts';
import { createNetworkNamespace, isOwnNamespace, newNamespacePath } from '../network/namespace.ts';
import type { SandboxNetwork } from '../vm/attach-network.ts';
import { dnsLines } from './dns-lines.ts';
import type { SandboxRequest } from './sandbox-request.ts';
import { warnOfPolicyRules } from './warn-of-policy-rules.ts';

export type NetworkNamespace = Pick<SandboxNetwork, 'path' | 'created'>;

const HOST_NETWORK =
  'Host networking requested, not supported by runtime: a VM has a network of its own (use a bridge network and published ports)';

/** The namespace that the spec names, or a new one. @throws KataError for the host's own namespace */
export function findNamespace({ kernel }: Context, { bundle: { spec }, journal }: SandboxRequest): NetworkNamespace {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === 'network');
  if (!namespace) throw new KataError(HOST_NETWORK);
  if (namespace.path !== undefined && namespace.path !== '') {
    if (isOwnNamespace(namespace.path)) throw new KataError(HOST_NETWORK);
    return { path: namespace.path, created: false };
  }
  const path = newNamespacePath();
  journal.record({ undo: 'delete-netns', path });
  createNetworkNamespace(path, kernel);
  return { path, created: true };
}

/** Engines name a namespace by a process only to join that process's container (`--network container:ID`). */
const OF_PROCESS = /^\/proc\/\d+\/(task\/\d+\/)?ns\/net$/;

/**
 * @throws KataError for a namespace that is in use: a failed create would remove the taps of the other VM, and a container would lose its
 * traffic to this VM
 */
function refuseShared(path: string, taps: readonly string[]): void {
  if (taps.length > 0)
    throw new KataError(`network namespace ${path} belongs to another VM (${taps.join(', ')}): only containers of one pod share a network`);
  if (OF_PROCESS.test(path))
    throw new KataError(`network namespace ${path} belongs to a container that does not run in a VM: a VM cannot share its network`);
}

/**
 * Reads the configuration of the namespace, when the engine's hooks have run. Attaches nothing to a VM yet.
 * @throws KataError when the namespace is another container's
 */
export async function readNetwork(
  context: Context,
  { bundle }: SandboxRequest,
  { path, created }: NetworkNamespace,
): Promise<SandboxNetwork> {
  const { internetworking_model: configured } = context.configuration.runtime;
  if (configured === 'none')
    return { path, created, facts: { links: [], routes: [], neighbours: [], taps: [], present: {} }, hasResolver: false, networks: [] };
  const facts = await context.trace.step('read links', () => scanNetwork(path, context.kernel));
  warnOfPolicyRules(facts, context.log);
  if (!created) refuseShared(path, facts.taps);
  const hasResolver = namesDockerResolver(dnsLines(bundle.spec));
  const model = modelBeside(configured, hasResolver);
  if (model !== configured)
    context.log.info("docker's resolver needs the addresses of the links: the links are connected by tcfilter, not by macvtap");
  return { path, created, facts, hasResolver, networks: planNetworks(facts.links, model) };
}
