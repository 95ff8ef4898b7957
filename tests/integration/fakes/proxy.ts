/**
 * Plays kata-proxy and the agent behind it: `proxy.ts FAILING-CALL LOG PROXY-ARGUMENTS…`. Answers every call well, but the one
 * named; the calls are written to LOG, one a line.
 */
import { appendFileSync } from 'node:fs';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import { AgentServiceDefinition } from '../../../packages/common/src/generated/agent.ts';
import { HealthDefinition } from '../../../packages/common/src/generated/health.ts';
import { grpcService } from '../../../packages/common/src/grpc/service.ts';

const [failing, log = '/dev/null', ...words] = process.argv.slice(2);
const listen = words[words.indexOf('-listen-socket') + 1] ?? '';

type Answer = (error: { code: status; details: string } | null, value?: unknown) => void;

const server = new Server();
for (const service of [grpcService(AgentServiceDefinition), grpcService(HealthDefinition)]) {
  const calls = Object.keys(service).map((name): [string, unknown] => [
    name,
    (call: { request: unknown }, answer: Answer) => {
      appendFileSync(
        log,
        `${name} ${JSON.stringify(call.request, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      );
      if (name === failing) answer({ code: status.INTERNAL, details: 'the guest says no' });
      else answer(null, name === 'check' ? { status: 1 } : {});
    },
  ]);
  server.addService(service as never, Object.fromEntries(calls) as never);
}
server.bindAsync(listen, ServerCredentials.createInsecure(), () => {});
process.on('SIGTERM', () => server.forceShutdown());
