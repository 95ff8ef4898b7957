/** Parses `trace_endpoint` of [runtime]: the receiver of spans. Pure. */

/** A collector of OTLP/HTTP, by TCP or by a unix socket, or a file. */
export type SpanReceiver =
  | { readonly kind: 'http'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: 'unix'; readonly socket: string; readonly path: string }
  | { readonly kind: 'file'; readonly file: string };

/** The path of a collector that receives spans (OTLP specification, "OTLP/HTTP Request"). */
const SIGNAL = '/v1/traces';
const HTTP_PORT = 80;

/** Returns undefined for a text that is not a valid address. */
export function parseEndpoint(text: string): SpanReceiver | undefined {
  const [, scheme, path = ''] = /^(unix|file):\/\/(\/[^?#]+)$/.exec(text) ?? [];
  if (scheme === 'unix') return { kind: 'unix', socket: path, path: SIGNAL };
  if (scheme === 'file') return { kind: 'file', file: path };
  const url = text.startsWith('http://') ? URL.parse(text) : null;
  if (!url || url.hostname === '') return undefined;
  const port = url.port === '' ? HTTP_PORT : Number(url.port);
  return { kind: 'http', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, path: url.pathname.replace(/\/+$/, '') + SIGNAL };
}
