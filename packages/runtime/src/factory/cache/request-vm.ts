/** The client of cache.CacheService. */
import { existsSync } from 'node:fs';
import { sanitizeLine } from '@kata-containers/common/errors/guest-text';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CacheServiceDefinition } from '@kata-containers/common/generated/cache';
import { GrpcClient } from '@kata-containers/common/grpc/grpc-client';
import type { CallErrors } from '@kata-containers/common/grpc/grpc-client';
import type { ResponseOf } from '@kata-containers/common/grpc/service';
import { decodeVm } from './handed-vm.ts';
import type { HandedVm } from './handed-vm.ts';

/** Milliseconds. Starting a VM is faster than a longer wait. */
const REQUEST_MS = 2000;
/** Milliseconds for a command of a user: a server that makes a VM on a busy host answers late. */
const COMMAND_MS = 20_000;
const { fullName, methods } = CacheServiceDefinition;
type Name = keyof typeof methods;

/** The server runs on the host, as the user who calls the runtime. */
const serverErrors: CallErrors = {
  failed: (call, code, details) =>
    new KataError(`the VM cache server answers ${call} with an error: ${sanitizeLine(details)} (gRPC code ${code})`),
  unreachable: (reason) => new KataError(`the VM cache server cannot be reached: ${reason}`),
};

/** Runs `ask` with a function that calls the server at `endpoint`. @throws KataError when no server listens or answers */
export async function withCacheServer<T>(
  endpoint: string,
  ask: (call: <N extends Name>(name: N) => Promise<ResponseOf<(typeof methods)[N]>>) => Promise<T>,
  deadlineMs = COMMAND_MS,
): Promise<T> {
  if (!existsSync(endpoint)) throw new KataError(`no VM cache server listens on ${endpoint}: 'kata-runtime factory init' starts one`);
  const client = await GrpcClient.connect(endpoint, { errors: serverErrors, timeoutMs: deadlineMs });
  try {
    return await ask(async (name) => {
      const { name: wireName, responseType } = methods[name];
      const answer = await client.call(`/${fullName}/${wireName}`, [], { deadlineMs });
      return responseType.decode(answer) as ResponseOf<(typeof methods)[typeof name]>;
    });
  } finally {
    client.close();
  }
}

/** @throws KataError when the server's VMs have other files or arguments, or when no VM is ready */
export function requestVm(endpoint: string, key: string): Promise<HandedVm> {
  return withCacheServer(
    endpoint,
    async (call) => {
      const { Data } = await call('config');
      const { TemplateKey } = JSON.parse(Data.toString()) as { TemplateKey?: string };
      if (TemplateKey !== key) throw new KataError('the VM cache server was started with another configuration');
      return decodeVm(await call('getBaseVM'));
    },
    REQUEST_MS,
  );
}
