import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import * as generated from '@kata-containers/common/generated/agent';
import { MessageError, encodeMessage, readField } from './agent-message.ts';
import type { Field } from './agent-message.ts';

const identity: Field[] = [
  [1, 'container'],
  [2, 'exec'],
];
const named = { container_id: 'container', exec_id: 'exec' };

describe('messages of the agent', () => {
  /** The generated codec's encoding. */
  const requests: [name: string, fields: Field[], bytes: Uint8Array][] = [
    [
      'ReadStreamRequest',
      [...identity, [3, 1 << 20], [100, 1]],
      generated.ReadStreamRequest.encode({ ...named, len: 1 << 20, wants_exit: true }).finish(),
    ],
    [
      'WriteStreamRequest',
      [...identity, [3, Buffer.alloc(300, 7)]],
      generated.WriteStreamRequest.encode({ ...named, data: Buffer.alloc(300, 7) }).finish(),
    ],
    ['SignalProcessRequest', [...identity, [3, 15]], generated.SignalProcessRequest.encode({ ...named, signal: 15 }).finish()],
    [
      'TtyWinResizeRequest',
      [...identity, [3, 24], [4, 0xffffffff]],
      generated.TtyWinResizeRequest.encode({ ...named, row: 24, column: 0xffffffff }).finish(),
    ],
    ['defaults are omitted', [...identity, [3, 0]], generated.SignalProcessRequest.encode({ ...named, signal: 0 }).finish()],
    ['empty ids', [[1, '']], generated.WaitProcessRequest.encode({ container_id: '', exec_id: '' }).finish()],
  ];
  for (const [name, fields, bytes] of requests) {
    it(`${name} has the bytes of the generated codec`, () =>
      assert.equal(Buffer.concat(encodeMessage(fields)).toString('hex'), Buffer.from(bytes).toString('hex')));
  }

  const answers: [name: string, message: Uint8Array, value: unknown][] = [
    ['an exit code', generated.WaitProcessResponse.encode({ status: 137, oom_killed: true }).finish(), 137],
    ['a negative exit code', generated.WaitProcessResponse.encode({ status: -1, oom_killed: false }).finish(), -1],
    ['a length', generated.WriteStreamResponse.encode({ len: 1 << 20 }).finish(), 1 << 20],
    ['output', generated.ReadStreamResponse.encode({ data: Buffer.from('abc') }).finish(), Buffer.from('abc')],
    ['a default', Buffer.alloc(0), undefined],
    ['unknown fields', Buffer.from('1205616263646518012100000000000000002500000000087f', 'hex'), 127],
  ];
  it('decodes a field number of two bytes', () => {
    const message = generated.WaitProcessResponse.encode({ status: 137, oom_killed: true }).finish();
    assert.equal(readField(Buffer.from(message), 100), 1);
  });
  for (const [name, message, value] of answers) it(`reads ${name}`, () => assert.deepEqual(readField(Buffer.from(message), 1), value));

  const malformed: [name: string, hex: string][] = [
    ['a length beyond the end', '0aff01'],
    ['a number without end', '08ffffffffffffffffffffff'],
    ['an unknown wire type', '0b'],
    ['a huge length', '0affffffff0f'],
  ];
  for (const [name, hex] of malformed)
    it(`refuses ${name}`, () => assert.throws(() => readField(Buffer.from(hex, 'hex'), 1), MessageError));

  it('decodes or refuses 20000 random messages, without another error', () => {
    for (let i = 0; i < 20_000; i++) {
      const message = randomBytes(i % 24);
      try {
        readField(message, 1);
      } catch (error) {
        assert.ok(error instanceof MessageError, message.toString('hex'));
      }
    }
  });
});
