/** `factory init` with a VM cache: keeps VMs ready until it is stopped, and gives one to each runtime that requests it (cache.CacheService). */
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { ServerUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { CacheServiceDefinition } from '@kata-containers/common/generated/cache';
import type { GrpcStatus, GrpcVM, GrpcVMConfig } from '@kata-containers/common/generated/cache';
import type { Empty } from '@kata-containers/common/generated/google/protobuf/empty';
import { grpcService } from '@kata-containers/common/grpc/service';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import type { Context } from '../../context/context.ts';
import { keyOf } from '../templates/template-key.ts';
import { cachedVmPaths, discardCachedVm, discardCachedVms, isUsable, makeCachedVm } from './cached-vm.ts';
import type { CachedVm } from './cached-vm.ts';
import { encodeVm } from './handed-vm.ts';
import { VmPool } from './vm-pool.ts';

/** Time without a request before VMs are started: starting a VM would take CPU time from a starting container. */
const QUIET_MS = 1500;
const RETRY_MS = 5000;
/** Time for the answer to `Quit`: 1.x's. */
const QUIT_MS = 1000;

/** Removes the socket of a killed server. @throws KataError while another server runs */
async function makeRoomFor(endpoint: string): Promise<void> {
  mkdirSync(dirname(endpoint), { recursive: true, mode: 0o755 });
  if (!existsSync(endpoint)) return;
  const socket = createConnection(endpoint);
  const isServed = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  if (isServed) throw new KataError(`${endpoint} already exist.  Please stop running VMCache server and remove ${endpoint}`);
  rmSync(endpoint);
}

function transferEntries(pool: VmPool<CachedVm>, call: ServerUnaryCall<Empty, GrpcVM>, answer: sendUnaryData<GrpcVM>): void {
  const vm = pool.take();
  if (!vm) return answer({ code: status.UNAVAILABLE, details: 'no VM is ready' });
  if (call.cancelled) pool.giveBack(vm);
  else answer(null, encodeVm(vm, `unix://${cachedVmPaths(vm.id).proxySocket}`));
}

function tellStatus(pool: VmPool<CachedVm>): GrpcStatus {
  const vmstatus = pool.ready().map(({ vm, plan }) => ({ pid: BigInt(vm.pid), cpu: plan.vcpus, memory: plan.memoryMiB }));
  return { pid: BigInt(process.pid), vmstatus };
}

function makeServer(pool: VmPool<CachedVm>, plan: QemuPlan, quit: () => void): Server {
  const server = new Server();
  server.addService(grpcService(CacheServiceDefinition), {
    config: (_call: unknown, answer: sendUnaryData<GrpcVMConfig>) =>
      answer(null, { Data: Buffer.from(JSON.stringify({ TemplateKey: keyOf(plan) })), AgentConfig: Buffer.from('{}') }),
    getBaseVM: (call: ServerUnaryCall<Empty, GrpcVM>, answer: sendUnaryData<GrpcVM>) => transferEntries(pool, call, answer),
    status: (_call: unknown, answer: sendUnaryData<GrpcStatus>) => answer(null, tellStatus(pool)),
    quit: (_call: unknown, answer: sendUnaryData<Empty>) => {
      answer(null, {});
      void sleep(QUIT_MS).then(quit);
    },
  });
  return server;
}

async function listen(server: Server, endpoint: string): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${endpoint}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(new KataError(`cannot listen on ${endpoint}: ${error.message}`, { cause: error })) : resolve(),
    ),
  );
  chmodSync(endpoint, 0o600);
}

/** Runs until SIGTERM, SIGINT or `Quit`. VMs that were handed over continue to run. @throws KataError */
export async function runCacheServer(context: Context, plan: QemuPlan): Promise<void> {
  const { log } = context;
  const { vm_cache_number: size, vm_cache_endpoint: endpoint } = context.configuration.factory;
  const ended = Promise.withResolvers<void>();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => ended.resolve());
  await makeRoomFor(endpoint);
  await discardCachedVms(context);
  const pool = new VmPool<CachedVm>({
    size,
    make: () => makeCachedVm(context, plan),
    isUsable: (vm) => isUsable(vm, plan),
    discard: ({ id }) => discardCachedVm(context, id),
    log,
    quietMs: QUIET_MS,
    retryMs: RETRY_MS,
  });
  const server = makeServer(pool, plan, ended.resolve);
  try {
    await listen(server, endpoint);
    log.info('VM cache server start', { endpoint, size });
    await ended.promise;
  } finally {
    server.forceShutdown();
    rmSync(endpoint, { force: true });
    await pool.close();
    log.info('VM cache server stop');
  }
}
