/** Sends one HTTP request without node:http: loading node:http takes longer than the request. */
import { createConnection } from 'node:net';
import type { NetConnectOpts } from 'node:net';
import { KataError, TimeoutError } from '@kata-containers/common/errors/kata-error';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { withTimeout } from '@kata-containers/common/process/with-timeout';
import type { SpanReceiver } from './parse-endpoint.ts';

type Collector = Extract<SpanReceiver, { kind: 'http' | 'unix' }>;

/** Time limit for one request to the collector. */
const TIMEOUT_MS = 1000;
/** Limit of the answer. Only the HTTP status is used. */
const MAX_ANSWER_BYTES = 4096;

const addressOf = (collector: Collector): NetConnectOpts =>
  collector.kind === 'unix' ? { path: collector.socket } : { host: collector.host, port: collector.port };

const hostOf = (collector: Collector): string => {
  if (collector.kind === 'unix') return 'localhost';
  return `${collector.host.includes(':') ? `[${collector.host}]` : collector.host}:${collector.port}`;
};

function statusOf(answer: string): number | undefined {
  const [, status] = /^HTTP\/1\.[01] (\d{3})[ \r]/.exec(answer) ?? [];
  return status === undefined ? undefined : Number(status);
}

/** @returns the HTTP status. @throws TimeoutError, KataError */
export async function postJson(collector: Collector, body: string): Promise<number> {
  const socket = createConnection(addressOf(collector));
  const answered = new Promise<number>((resolve, reject) => {
    let answer = '';
    socket.on('data', (piece: Buffer) => {
      answer += piece.toString('latin1');
      const status = statusOf(answer);
      if (status !== undefined) resolve(status);
      else if (answer.length > MAX_ANSWER_BYTES) reject(new KataError('the answer is not HTTP'));
    });
    socket.on('error', (error) => reject(new KataError(`no connection (${errorCode(error) ?? 'unknown'})`, { cause: error })));
    socket.on('close', () => reject(new KataError('the connection was closed without an answer')));
  });
  const bytes = Buffer.from(body);
  const head = `POST ${collector.path} HTTP/1.1\r\nHost: ${hostOf(collector)}\r\nContent-Type: application/json\r\nContent-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`;
  socket.write(head);
  socket.write(bytes);
  try {
    return await withTimeout(answered, TIMEOUT_MS, () => new TimeoutError('the collector', TIMEOUT_MS));
  } finally {
    socket.destroy();
  }
}
