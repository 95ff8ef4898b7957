/** This pod's node in the Kubernetes API. The service account may get and patch nodes (kata-deploy.yaml). */
import { readFileSync } from 'node:fs';

/** 1.x's label: a RuntimeClass can select the nodes with it. */
const LABEL = 'katacontainers.io/kata-runtime';
const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const REQUEST_TIMEOUT_MS = 30_000;

interface Node {
  readonly status: { readonly nodeInfo: { readonly containerRuntimeVersion: string } };
}

/** @throws Error with the server's answer */
async function request(method: 'GET' | 'PATCH', body?: object): Promise<unknown> {
  const { KUBERNETES_SERVICE_HOST: host = '', KUBERNETES_SERVICE_PORT: port = '443', NODE_NAME: node = '' } = process.env;
  if (host === '' || node === '')
    throw new Error('KUBERNETES_SERVICE_HOST and NODE_NAME are not set: kata-deploy runs in a pod (kata-deploy.yaml)');
  const server = host.includes(':') ? `[${host}]` : host;
  const response = await fetch(`https://${server}:${port}/api/v1/nodes/${encodeURIComponent(node)}`, {
    method,
    headers: {
      authorization: `Bearer ${readFileSync(`${ACCOUNT}/token`, 'utf8').trim()}`,
      ...(body && { 'content-type': 'application/merge-patch+json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${method} of node ${node}: HTTP ${response.status}: ${(await response.text()).slice(0, 500)}`);
  return response.json();
}

export async function engineOfNode(): Promise<string> {
  return ((await request('GET')) as Node).status.nodeInfo.containerRuntimeVersion;
}

/** `value` null removes the label. */
export async function labelNode(value: 'true' | null): Promise<void> {
  await request('PATCH', { metadata: { labels: { [LABEL]: value } } });
}
