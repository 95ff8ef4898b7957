/** The exit code with the end of the output (`wants_exit` of ReadStreamRequest), of an agent on the host. */
import assert from 'node:assert/strict';
import { agentErrors } from '../../packages/common/src/agent-api/agent-errors.ts';
import { EXIT_TRAILER } from '../../packages/common/src/agent-api/exit-trailer.ts';
import { ReadStreamRequest, ReadStreamResponse } from '../../packages/common/src/generated/agent.ts';
import { GrpcClient } from '../../packages/common/src/grpc/grpc-client.ts';
import { AgentOnHost, refusal } from './agent-on-host.ts';

describe('kata-agent: the end of the output has the exit code', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  let client: GrpcClient;
  before(async () => {
    host = await AgentOnHost.start();
    client = await GrpcClient.connect(host.scratch.file('proxy.sock'), { errors: agentErrors });
  });
  after(async () => {
    client.close();
    await host.stop();
  });

  /** @returns a piece of output, or at the end the exit code; undefined at an end without a code */
  async function read(id: string, call: 'ReadStdout' | 'ReadStderr' = 'ReadStdout', wants_exit = true): Promise<string | undefined> {
    const request = ReadStreamRequest.encode({ container_id: id, exec_id: id, len: 100, wants_exit }).finish();
    let code: string | undefined;
    const onTrailers = (trailers: ReadonlyMap<string, string>): void => void (code = trailers.get(EXIT_TRAILER));
    try {
      return ReadStreamResponse.decode(await client.call(`/grpc.AgentService/${call}`, [request], { onTrailers })).data.toString();
    } catch (error) {
      assert.match(String(error), /EOF$/);
      return code;
    }
  }
  const isRemoved = async (id: string): Promise<void> =>
    assert.deepEqual(await refusal(host.wait(id, id)), [5, `Process ${id} not found (container ${id})`]);

  it('the end of the last output has the exit code, and the process is removed', async () => {
    const id = await host.run(['sh', '-c', 'echo out; exit 4']);
    assert.equal(await read(id), 'out\n');
    const ends = await Promise.all([read(id), read(id, 'ReadStderr')]);
    assert.ok(ends.includes('4'), String(ends));
    await isRemoved(id);
    await host.remove(id);
  });
  it('a process that has closed its outputs and continues has no exit code yet', async () => {
    const id = await host.run(['sh', '-c', 'exec 1>&- 2>&-; read x; exit 5']);
    assert.deepEqual([await read(id), await read(id, 'ReadStderr')], [undefined, undefined]);
    await host.agent.call('closeStdin', { container_id: id, exec_id: id });
    assert.equal(await host.wait(id, id), 5);
    await host.remove(id);
  });
  it('an output that was not read keeps the process', async () => {
    const id = await host.run(['sh', '-c', 'echo err >&2; exit 6']);
    assert.equal(await read(id), undefined);
    assert.deepEqual([await read(id, 'ReadStderr'), await read(id, 'ReadStderr')], ['err\n', '6']);
    await isRemoved(id);
    await host.remove(id);
  });
  it('after an OOM kill the first process has no exit code there: its waiter learns of the kill', async () => {
    const eat = 'dd if=/dev/zero of=/dev/null bs=200M count=1 2>/dev/null; exit 137';
    const id = await host.run(['sh', '-c', eat], {
      Linux: { Resources: { Memory: { Limit: 16n << 20n, Swap: 16n << 20n } } },
      Mounts: [{ destination: '/dev', source: '/dev', type: 'bind', options: ['rbind'] }],
    });
    assert.deepEqual([await read(id), await read(id, 'ReadStderr')], [undefined, undefined]);
    const end = await host.agent.call('waitProcess', { container_id: id, exec_id: id }, { deadlineMs: 20_000 });
    assert.deepEqual(end, { status: 137, oom_killed: true });
    await host.remove(id);
  });
  it('a caller that does not request the exit code waits for it, as a shim of 1.x', async () => {
    const id = await host.run(['sh', '-c', 'exit 7']);
    assert.deepEqual([await read(id, 'ReadStdout', false), await read(id, 'ReadStderr', false)], [undefined, undefined]);
    assert.equal(await host.wait(id, id), 7);
    await host.remove(id);
  });
});
