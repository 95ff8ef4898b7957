import { closeSync, openSync, writeSync } from 'node:fs';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { otlpMessage } from '@kata-containers/common/tracing/otlp-message';
import type { Span } from '@kata-containers/common/tracing/span';
import { version } from '@kata-containers/common/version';
import { parseEndpoint } from './parse-endpoint.ts';
import { postJson } from './post-json.ts';

/** Appends one line by one write(2), because several commands may append at the same time. */
function appendLine(path: string, text: string): void {
  const fd = openSync(path, 'a', 0o600);
  try {
    writeSync(fd, `${text}\n`);
  } finally {
    closeSync(fd);
  }
}

/** Sends spans to a collector, or appends them to a file as one line with an OTLP message. @throws KataError, TimeoutError */
export async function sendSpans(address: string, spans: readonly Span[]): Promise<void> {
  const endpoint = parseEndpoint(address);
  if (!endpoint) throw new KataError('the address is not valid');
  const text = JSON.stringify(otlpMessage(spans, version));
  if (endpoint.kind === 'file') return appendLine(endpoint.file, text);
  const status = await postJson(endpoint, text);
  if (status < 200 || status > 299) throw new KataError(`the collector answers with HTTP status ${status}`);
}
