import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData } from '@grpc/grpc-js';
import { AgentError } from '../errors/kata-error.ts';
import { AgentServiceDefinition } from '../generated/agent.ts';
import { HealthDefinition } from '../generated/health.ts';
import { grpcService } from '../grpc/service.ts';
import { connectAgent } from './agent-connection.ts';
import type { AgentConnection } from './agent-connection.ts';

/** grpc-js is the server, an implementation of gRPC that is not ours. */
describe('connectAgent', () => {
  let directory: string;
  let server: Server;
  let agent: AgentConnection;
  const requests: unknown[] = [];
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-agent-'));
    server = new Server();
    const calls = Object.keys(AgentServiceDefinition.methods).map((name): [string, unknown] => [
      name,
      ({ request }: { request: unknown }, answer: sendUnaryData<unknown>) => {
        requests.push(request);
        if (name === 'pauseContainer') answer({ code: status.NOT_FOUND, details: 'no "c" here\n' });
        else answer(null, { status: 42 });
      },
    ]);
    // Its answers begin with a field whose wire type does not exist.
    const garbled = { ...grpcService(AgentServiceDefinition).statsContainer, responseSerialize: () => Buffer.from('0f', 'hex') };
    server.addService({ ...grpcService(AgentServiceDefinition), statsContainer: garbled } as never, Object.fromEntries(calls) as never);
    server.addService(grpcService(HealthDefinition), {
      check: (_: unknown, answer: sendUnaryData<unknown>) => answer(null, { status: 1 }),
    });
    const address = `unix://${directory}/s`;
    await new Promise((resolve) => server.bindAsync(address, ServerCredentials.createInsecure(), resolve));
    agent = await connectAgent(address, { connectTimeoutMs: 5000 });
  });
  afterEach(() => {
    agent.close();
    server.forceShutdown();
    requests.length = 0;
    rmSync(directory, { recursive: true });
  });

  it('sends defaults for omitted fields of a request, also in nested messages', async () => {
    const { status: code } = await agent.call('waitProcess', { container_id: 'c' });
    assert.equal(code, 42);
    await agent.call('createContainer', { OCI: { Linux: { CgroupsPath: '/x' } } });
    assert.deepEqual(requests[0], { container_id: 'c', exec_id: '' });
    assert.partialDeepStrictEqual(requests[1], { OCI: { Version: '', Linux: { CgroupsPath: '/x', Namespaces: [] } } });
  });

  it('answers a health check', async () => assert.ok(await agent.check({ deadlineMs: 5000 })));

  const refusals: [what: string, call: 'pauseContainer' | 'statsContainer', code: number, text: RegExp][] = [
    ["the guest's error text", 'pauseContainer', status.NOT_FOUND, /^no "c" here\?$/],
    ['an answer that is not a message', 'statsContainer', status.INTERNAL, /answer to StatsContainer is not a protobuf message/],
  ];
  for (const [what, call, code, text] of refusals) {
    it(`${what}: fails with the code of the error`, () =>
      assert.rejects(
        agent.call(call, { container_id: 'c' }),
        (error) => error instanceof AgentError && error.grpcCode === code && text.test(error.message),
      ));
  }
});
