/** The sandbox' network namespace: found or made, filled by the engine's hooks, joined to the VM. */
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { QemuNetwork } from '../hypervisor/qemu/command-line.ts';
import { joinLinks, scanNetwork } from '../network/join.ts';
import type { NetworkFacts } from '../network/join.ts';
import { createNetworkNamespace, inNetworkNamespace, isOwnNamespace } from '../network/namespace.ts';
import { runHooks } from '../processes/run-hooks.ts';
import { randomUuid } from '../random-uuid.ts';
import type { Context } from './context.ts';
import type { SandboxRequest } from './create-sandbox.ts';
import { timed } from './timed.ts';

export interface SandboxNetwork {
  readonly path: string;
  /** True when the namespace is ours to remove. */
  readonly created: boolean;
  readonly facts: NetworkFacts;
  readonly networks: readonly QemuNetwork[];
}

const HOST_NETWORK =
  'Host networking requested, not supported by runtime: a VM has a network of its own (use a bridge network and published ports)';

/** The namespace that the spec names, or a new one. @throws KataError for the host's own */
function findNamespace({ kernel }: Context, { bundle: { spec }, journal }: SandboxRequest): { path: string; created: boolean } {
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
 * Docker up to 27 puts the container's interface into the namespace by a prestart hook, which finds it through
 * /proc/PID/ns/net: PID is ours, so the main thread waits inside.
 */
async function runEarlyHooks(path: string, context: Context, { id, bundle }: SandboxRequest): Promise<void> {
  const { hooks = {} } = bundle.spec;
  const early = [...(hooks.prestart ?? []), ...(hooks.createRuntime ?? [])];
  if (early.length === 0) return;
  const state = { ociVersion: bundle.spec.ociVersion, id, status: 'creating', pid: process.pid, bundle: bundle.path };
  await timed(context.log, 'network hooks', () => inNetworkNamespace(path, context.kernel, () => runHooks(early, state)));
}

export async function prepareNetwork(context: Context, request: SandboxRequest): Promise<SandboxNetwork> {
  const { path, created } = findNamespace(context, request);
  await runEarlyHooks(path, context, request);
  if (context.configuration.runtime.internetworking_model === 'none')
    return { path, created, facts: { links: [], routes: [], neighbours: [] }, networks: [] };
  const facts = await timed(context.log, 'read links', () => scanNetwork(path, context.kernel));
  if (!created) {
    const taps = facts.links.map((_, index) => `tap${index}_kata`);
    request.journal.record({ undo: 'delete-links', netns: path, links: taps, ingress: facts.links.map(({ name }) => name) });
  }
  const joined = await timed(context.log, 'join taps', () => joinLinks(path, facts.links, context.kernel));
  return { path, created, facts, networks: joined.map(({ link, tap }) => ({ tap, mac: link.mac })) };
}
