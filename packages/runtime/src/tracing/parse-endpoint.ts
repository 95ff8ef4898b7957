/** The receiver of spans, as `trace_endpoint` of [runtime] names it. Pure. */

export type Endpoint =
  | { readonly kind: 'http'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: 'unix'; readonly socket: string; readonly path: string }
  | { readonly kind: 'file'; readonly file: string };

/** Where a collector takes spans below its address (OTLP specification, "OTLP/HTTP Request"). */
const SIGNAL = '/v1/traces';
const HTTP_PORT = 80;

/** undefined for another text. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, scheme, path = ''] = /^(unix|file):\/\/(\/[^?#]+)$/.exec(text) ?? [];
  if (scheme === 'unix') return { kind: 'unix', socket: path, path: SIGNAL };
  if (scheme === 'file') return { kind: 'file', file: path };
  const url = text.startsWith('http://') ? URL.parse(text) : null;
  if (!url || url.hostname === '') return undefined;
  const port = url.port === '' ? HTTP_PORT : Number(url.port);
  return { kind: 'http', host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, path: url.pathname.replace(/\/+$/, '') + SIGNAL };
}
