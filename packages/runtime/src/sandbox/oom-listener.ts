/**
 * How an engine receives the report of an OOM kill. Engines watch the container's cgroup on the host for OOM kills, and the processes of
 * the guest are not in that cgroup.
 */
import { join } from 'node:path';
import type { Bundle } from '../bundle/load-bundle.ts';
import type { Caller } from '../context/context.ts';

export type OomListener =
  /** An event to containerd's ttrpc service, as containerd's own shims send it. */
  | { readonly kind: 'containerd'; readonly socket: string; readonly namespace: string }
  /** Empty files, as conmon makes them for podman and CRI-O. */
  | { readonly kind: 'conmon'; readonly files: readonly string[] };

/** Values of the annotation io.container.manager of engines with conmon. */
const CONMON_ENGINES = ['cri-o', 'libpod'];
/** conmon makes a file of this name in the bundle and in its directory --persist-dir. podman 5 reads the second file. */
const CONMON_FILE = 'oom';

function conmonFiles(bundle: string, conmonArgs: readonly string[]): string[] {
  const option = conmonArgs.indexOf('--persist-dir');
  const persistent = option === -1 ? undefined : conmonArgs[option + 1];
  return [bundle, ...(persistent?.startsWith('/') === true ? [persistent] : [])].map((directory) => join(directory, CONMON_FILE));
}

/** containerd up to 1.6 names its namespace in the path of the bundle only: ROOT/io.containerd.runtime.v2.task/NAMESPACE/ID. */
const namespaceIn = (path: string): string => /\/io\.containerd\.runtime\.[^/]+\/([^/]+)\/[^/]+$/.exec(path)?.[1] ?? '';

/** undefined for an unknown engine. */
export function oomListener({ environment, args }: Caller, { path, spec: { annotations = {} } }: Bundle): OomListener | undefined {
  if (CONMON_ENGINES.includes(annotations['io.container.manager'] ?? '')) return { kind: 'conmon', files: conmonFiles(path, args) };
  const { TTRPC_ADDRESS: socket = '', NAMESPACE: namespace = namespaceIn(path) } = environment;
  return socket.startsWith('/') && namespace !== '' ? { kind: 'containerd', socket, namespace } : undefined;
}

/** Options of `kata-runtime kata-oom`. */
export const oomOptions = (listener: OomListener): string[] =>
  listener.kind === 'containerd'
    ? ['--containerd', listener.socket, '--namespace', listener.namespace]
    : listener.files.flatMap((file) => ['--file', file]);
