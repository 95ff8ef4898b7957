import assert from 'node:assert/strict';
import { otlpMessage } from './otlp-message.ts';
import type { Span } from './span.ts';

const span = (changes: Partial<Span>): Span => ({
  traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
  spanId: '00f067aa0ba902b7',
  name: 'kata-runtime create',
  kind: 'internal',
  beginMs: 1764345600000.123,
  endMs: 1764345600010.5,
  service: 'kata-runtime',
  pid: 7,
  ...changes,
});

describe('otlpMessage', () => {
  it('has one resource for each process, and the times in nanoseconds', () => {
    const spans = [
      span({ attributes: { 'container.id': 'c' } }),
      span({ spanId: '1111111111111111', parentSpanId: '00f067aa0ba902b7', name: 'QEMU spawn', error: 'no' }),
      span({
        spanId: '2222222222222222',
        parentSpanId: '1111111111111111',
        kind: 'server',
        name: 'kata-shim',
        service: 'kata-shim',
        pid: 9,
      }),
    ];
    const resource = (service: string, pid: string): object => ({
      attributes: [
        { key: 'service.name', value: { stringValue: service } },
        { key: 'service.version', value: { stringValue: '1' } },
        { key: 'process.pid', value: { intValue: pid } },
      ],
    });
    const scope = { name: 'kata-containers', version: '1' };
    const times = { startTimeUnixNano: '1764345600000123000', endTimeUnixNano: '1764345600010500000' };
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    assert.deepEqual(otlpMessage(spans, '1'), {
      resourceSpans: [
        {
          resource: resource('kata-runtime', '7'),
          scopeSpans: [
            {
              scope,
              spans: [
                {
                  traceId,
                  spanId: '00f067aa0ba902b7',
                  name: 'kata-runtime create',
                  kind: 1,
                  ...times,
                  attributes: [{ key: 'container.id', value: { stringValue: 'c' } }],
                },
                {
                  traceId,
                  spanId: '1111111111111111',
                  parentSpanId: '00f067aa0ba902b7',
                  name: 'QEMU spawn',
                  kind: 1,
                  ...times,
                  status: { code: 2, message: 'no' },
                },
              ],
            },
          ],
        },
        {
          resource: resource('kata-shim', '9'),
          scopeSpans: [
            {
              scope,
              spans: [{ traceId, spanId: '2222222222222222', parentSpanId: '1111111111111111', name: 'kata-shim', kind: 2, ...times }],
            },
          ],
        },
      ],
    });
  });
});
