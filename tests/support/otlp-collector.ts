/** A collector of OTLP/HTTP with JSON: records what it receives, on a unix socket, which does not depend on network namespaces. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server } from 'node:http';

export interface ReceivedSpan {
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  /** Milliseconds since 1970. */
  readonly beginMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string>>;
  readonly error?: string;
}

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string };
}
interface SpanMessage {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly status?: { readonly code: number; readonly message: string };
}
export interface OtlpMessage {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly SpanMessage[] }[];
  }[];
}

const table = (attributes: readonly Attribute[] = []): Record<string, string> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue ?? '']));
const milliseconds = (nanoseconds: string): number => Number(BigInt(nanoseconds) / 1000n) / 1000;

function readSpan(service: string, message: SpanMessage): ReceivedSpan {
  const { traceId, spanId, parentSpanId, name, kind, status } = message;
  return {
    service,
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind,
    beginMs: milliseconds(message.startTimeUnixNano),
    endMs: milliseconds(message.endTimeUnixNano),
    attributes: table(message.attributes),
    ...(status && { error: status.message }),
  };
}

export const spansOf = ({ resourceSpans }: OtlpMessage): ReceivedSpan[] =>
  resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = table(resource.attributes)['service.name'] ?? '';
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => readSpan(service, span)));
  });

export class OtlpCollector {
  readonly endpoint: string;
  readonly spans: ReceivedSpan[] = [];
  readonly #server: Server;

  private constructor(socket: string) {
    this.endpoint = `unix://${socket}`;
    this.#server = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => {
        const isRight = request.url === '/v1/traces' && request.headers['content-type'] === 'application/json';
        if (isRight) this.spans.push(...spansOf(JSON.parse(body) as OtlpMessage));
        response.writeHead(isRight ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
      });
    });
    this.#server.listen(socket);
  }

  static async start(socket: string): Promise<OtlpCollector> {
    const collector = new OtlpCollector(socket);
    await once(collector.#server, 'listening');
    return collector;
  }

  close(): void {
    this.#server.close();
  }
}
