/** The runtime's side of cache.CacheService. */
import { existsSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CacheServiceDefinition } from '@kata-containers/common/generated/cache';
import { AgentClient } from '@kata-containers/common/grpc/agent-client';
import type { ResponseOf } from '@kata-containers/common/grpc/service';
import { decodeVm } from './handed-vm.ts';
import type { HandedVm } from './handed-vm.ts';

/** Milliseconds. Starting a VM is faster than waiting longer. */
const DEADLINE_MS = 2000;
const { fullName, methods } = CacheServiceDefinition;
type Name = keyof typeof methods;

/** Runs `ask` with a function that calls the server at `endpoint`. @throws KataError when there is none, AgentError */
export async function withCacheServer<T>(
  endpoint: string,
  ask: (call: <N extends Name>(name: N) => Promise<ResponseOf<(typeof methods)[N]>>) => Promise<T>,
): Promise<T> {
  if (!existsSync(endpoint)) throw new KataError(`no VM cache server listens on ${endpoint}: 'kata-runtime factory init' starts one`);
  const client = await AgentClient.connect(endpoint, DEADLINE_MS);
  try {
    return await ask(async (name) => {
      const { name: wireName, responseType } = methods[name];
      const answer = await client.call(`/${fullName}/${wireName}`, [], { deadlineMs: DEADLINE_MS });
      return responseType.decode(answer) as ResponseOf<(typeof methods)[typeof name]>;
    });
  } finally {
    client.close();
  }
}

/** @throws KataError when the server's VMs are made from other files or arguments, AgentError when none is ready */
export function requestVm(endpoint: string, key: string): Promise<HandedVm> {
  return withCacheServer(endpoint, async (call) => {
    const { Data } = await call('config');
    const { TemplateKey } = JSON.parse(Data.toString()) as { TemplateKey?: string };
    if (TemplateKey !== key) throw new KataError('its VMs are of another configuration');
    return decodeVm(await call('getBaseVM'));
  });
}
