/** `GET /metrics` over HTTP, until SIGTERM or SIGINT. */
import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import { errorCode, errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { UsageSample } from '../../sandbox/sandbox-usage.ts';
import { metricsText } from './metrics-text.ts';
import type { MetricsFormat } from './metrics-text.ts';

const contentTypes: Readonly<Record<MetricsFormat, string>> = {
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
};
const OWNER_AND_GROUP = 0o660;
/** Concurrent clients. Prometheus is one. */
const MAX_CONNECTIONS = 16;

export type MetricsAddress = { readonly path: string } | { readonly host: string; readonly port: number };

const addressText = (address: MetricsAddress): string =>
  'path' in address ? `unix://${address.path}` : `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;

/** errno of bind(2) → its usual cause. */
const causes: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program or file has this address',
  ENOENT: 'the directory of the socket does not exist',
};

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  response.writeHead(status, { 'Content-Type': type }).end(text);
}

/** Removes the socket of a killed server. Any other file stays, and listening fails. */
function removeSocket(path: string): void {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true) unlinkSync(path);
}

/** @throws KataError when the address is in use or not permitted */
export async function serveMetrics(address: MetricsAddress, sample: () => Promise<UsageSample>): Promise<void> {
  let running: Promise<UsageSample> | undefined;
  const shared = (): Promise<UsageSample> => (running ??= sample().finally(() => (running = undefined))); // one sample at a time, shared by all clients
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || request.url !== '/metrics') return answer(response, 404, 'GET /metrics\n');
    const format = (request.headers.accept ?? '').includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus';
    shared().then(
      (usage) => answer(response, 200, metricsText(usage, format), contentTypes[format]),
      (error: unknown) => answer(response, 500, `${errorMessage(error)}\n`),
    );
  });
  server.maxConnections = MAX_CONNECTIONS;
  if ('path' in address) removeSocket(address.path);
  server.listen(address);
  try {
    await once(server, 'listening');
  } catch (error) {
    const code = errorCode(error) ?? 'unknown';
    throw new KataError(`metrics cannot be served on ${addressText(address)}: ${causes[code] ?? code}`);
  }
  if ('path' in address) chmodSync(address.path, OWNER_AND_GROUP);
  await Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')]);
  server.closeAllConnections();
  server.close(); // removes its socket
}
