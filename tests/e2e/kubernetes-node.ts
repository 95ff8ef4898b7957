/**
 * The part of a Kubernetes API server that kata-deploy uses, for one node: `kubernetes-node.ts DIR PORT`. DIR has its key and certificate
 * (tls.key, ca.crt), the token that it accepts (token), the node's engine (engine), and receives the node's labels (labels.json).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { text } from 'node:stream/consumers';

const [directory = '', port = ''] = process.argv.slice(2);
const read = (name: string): string => readFileSync(`${directory}/${name}`, 'utf8');
const labels: Record<string, string> = {};

function change(patch: string): void {
  const { metadata } = JSON.parse(patch) as { metadata: { labels: Record<string, string | null> } };
  for (const [name, value] of Object.entries(metadata.labels))
    if (value === null) Reflect.deleteProperty(labels, name);
    else labels[name] = value;
  writeFileSync(`${directory}/labels.json`, JSON.stringify(labels));
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  const { method, url, headers } = request;
  const body = await text(request);
  if (headers.authorization !== `Bearer ${read('token')}`) return response.writeHead(401).end('Unauthorized');
  if (url !== '/api/v1/nodes/worker-1') return response.writeHead(404).end('no such node');
  if (method === 'PATCH') {
    if (headers['content-type'] !== 'application/merge-patch+json') return response.writeHead(415).end();
    change(body);
  }
  const nodeInfo = { containerRuntimeVersion: read('engine') };
  return response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(JSON.stringify({ metadata: { labels }, status: { nodeInfo } }));
}

const server = createServer({ key: read('tls.key'), cert: read('ca.crt') }, (request, response) => void answer(request, response));
server.listen(Number(port), '127.0.0.1', () => console.log('ready'));
