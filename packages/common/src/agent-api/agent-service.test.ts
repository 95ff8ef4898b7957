import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { ReadStreamResponse, WriteStreamRequest } from '../generated/agent.ts';
import { agentService } from './agent-service.ts';

describe('messages of the stdio calls', () => {
  for (const length of [0, 1, 127, 128, 70_000]) {
    const data = randomBytes(length);
    it(`${length} bytes of output can be decoded by the generated codec`, () => {
      const message = agentService.readStdout.responseSerialize({ data });
      assert.ok(ReadStreamResponse.decode(message).data.equals(data));
    });
    it(`${length} bytes of input from the generated codec are decoded unchanged`, () => {
      const request = { container_id: 'c', exec_id: 'e', data };
      const message = Buffer.from(WriteStreamRequest.encode(request).finish());
      assert.deepEqual(agentService.writeStdin.requestDeserialize(message), request);
    });
  }
  it('fields of a later version are skipped', () => {
    const message = Buffer.concat([Buffer.from('7a03616263', 'hex'), Buffer.from('0a0163', 'hex')]);
    assert.equal(agentService.writeStdin.requestDeserialize(message).container_id, 'c');
  });
  it('a message that ends too early is refused', () =>
    assert.throws(() => agentService.writeStdin.requestDeserialize(Buffer.from('1aff01', 'hex'))));
});
