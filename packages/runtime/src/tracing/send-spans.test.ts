import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEndpoint } from './parse-endpoint.ts';
import { sendSpans } from './send-spans.ts';
import type { Span } from '@kata-containers/common/tracing/span';

const span: Span = {
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  name: 'step',
  kind: 'internal',
  beginMs: 1,
  endMs: 2,
  service: 'kata-runtime',
  pid: 1,
};

describe('parseEndpoint', () => {
  const cases: [text: string, endpoint: ReturnType<typeof parseEndpoint>][] = [
    ['http://127.0.0.1:4318', { kind: 'http', host: '127.0.0.1', port: 4318, path: '/v1/traces' }],
    ['http://[::1]:4318/', { kind: 'http', host: '::1', port: 4318, path: '/v1/traces' }],
    ['http://collector/otlp', { kind: 'http', host: 'collector', port: 80, path: '/otlp/v1/traces' }],
    ['unix:///run/otel.sock', { kind: 'unix', socket: '/run/otel.sock', path: '/v1/traces' }],
    ['file:///var/log/kata.json', { kind: 'file', file: '/var/log/kata.json' }],
    ['https://collector', undefined],
    ['unix://run/otel.sock', undefined],
    ['http://', undefined],
    ['/var/log/kata.json', undefined],
  ];
  for (const [text, endpoint] of cases) it(text, () => assert.deepEqual(parseEndpoint(text), endpoint));
});

describe('sendSpans', () => {
  let directory: string;
  let server: Server;
  let status: number;
  const received: string[] = [];
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'kata-send-'));
    status = 200;
    received.length = 0;
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        received.push(`${request.method} ${request.url} ${request.headers['content-type']}`, body);
        response.writeHead(status).end('{}');
      });
    });
  });
  afterEach(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });
  const checkReceived = (): void => {
    assert.equal(received[0], 'POST /v1/traces application/json');
    assert.match(received[1] ?? '', /^\{"resourceSpans":\[.*"name":"step"/);
  };

  it('posts to a collector by TCP', async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    await sendSpans(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, [span]);
    checkReceived();
  });

  it('posts to a collector by a unix socket', async () => {
    await once(server.listen(join(directory, 's')), 'listening');
    await sendSpans(`unix://${directory}/s`, [span]);
    checkReceived();
  });

  it('appends a line to a file', async () => {
    for (let count = 0; count < 2; count++) await sendSpans(`file://${directory}/spans.json`, [span]);
    const lines = readFileSync(join(directory, 'spans.json'), 'utf8').split('\n');
    assert.equal(lines.length, 3);
    assert.equal(lines[0], lines[1]);
  });

  it('reports a collector that refuses the spans', async () => {
    status = 415;
    await once(server.listen(join(directory, 's')), 'listening');
    await assert.rejects(sendSpans(`unix://${directory}/s`, [span]), /HTTP status 415/);
  });

  it('reports a collector that does not exist', () =>
    assert.rejects(sendSpans(`unix://${directory}/s`, [span]), /no connection \(ENOENT\)/));

  const peers: [name: string, answer: string, error: RegExp][] = [
    ['is not HTTP', 'x'.repeat(5000), /is not HTTP/],
    ['closes the connection', '', /closed without an answer/],
  ];
  for (const [name, answer, error] of peers) {
    it(`reports a peer that ${name}`, async () => {
      const peer = createSocketServer((socket) => void socket.on('error', () => {}).end(answer));
      await once(peer.listen(join(directory, 's')), 'listening');
      await assert.rejects(sendSpans(`unix://${directory}/s`, [span]), error);
      peer.close();
    });
  }

  it('times out when the collector does not answer', async () => {
    const peer = createSocketServer(() => {});
    peer.on('connection', (socket) => void socket.on('error', () => {}));
    await once(peer.listen(join(directory, 's')), 'listening');
    await assert.rejects(sendSpans(`unix://${directory}/s`, [span]), /collector/);
    peer.close();
  });
});
