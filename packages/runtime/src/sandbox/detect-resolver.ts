/**
 * Detects docker's resolver in a sandbox's network namespace after `create`: docker 28 and later write resolv.conf between `create` and
 * `start`, and `docker network connect` writes it for a container whose first network is the default network.
 */
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import type { Spec } from '@kata-containers/common/oci/spec';
import type { Context } from '../context/context.ts';
import { keepAnswers } from '../network/join.ts';
import type { SandboxState } from '../state/state.ts';
import { saveSandbox } from '../state/state-store.ts';
import { dnsLines } from './dns-lines.ts';

/**
 * `id`: name of the sandbox. `spec`: specification of the container whose resolv.conf docker writes. To be called with the sandbox's lock,
 * before links are attached.
 */
export async function detectResolver({ kernel }: Context, id: string, state: SandboxState, spec: Spec): Promise<SandboxState> {
  const { HasResolver, NetNsPath, Endpoints = [] } = state.Network;
  if (HasResolver === true || !namesDockerResolver(dnsLines(spec))) return state;
  const joined = Endpoints.flatMap(({ Name: name, Tap: tap, Saved }) => (Saved ? [] : [{ name, tap }])); // a macvtap's link has no addresses
  await keepAnswers(NetNsPath, joined, kernel);
  const noticed = { ...state, Network: { ...state.Network, HasResolver: true } };
  saveSandbox(id, noticed);
  return noticed;
}
