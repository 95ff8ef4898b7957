/** The name that the engine's user gave a container. No engine passes it to the runtime in the same way, and some do not pass it. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadBundle } from '../bundle/load-bundle.ts';
import { isPlainObject } from '../json/is-plain-object.ts';
import { commandLineOf, parentOf, programOf } from '../processes/process-use.ts';
import type { ContainerRecord } from '../state/state.ts';

/** Annotations of CRI-O and podman's pods, containerd's CRI plugin, and nerdctl. The name of a pod's first container is that of the pod. */
const ANNOTATIONS = ['io.kubernetes.cri-o.KubeName', 'io.kubernetes.cri.sandbox-name', 'nerdctl/name'];

/** docker mounts a hostname file from the directory that also has the container's configuration. */
function nameForDocker(id: string, hostname: string): string | undefined {
  const configuration: unknown = JSON.parse(readFileSync(join(dirname(hostname), 'config.v2.json'), 'utf8'));
  if (!isPlainObject(configuration) || configuration['ID'] !== id) return undefined;
  const { Name: name } = configuration;
  return typeof name === 'string' ? name.replace(/^\//, '') : undefined;
}

/** `conmon -n NAME`, which podman and CRI-O start, is the parent of the shim. */
function nameForConmon(shim: number): string | undefined {
  const parent = parentOf(shim);
  if (parent === undefined || !/(^|\/)conmon$/.test(programOf(parent) ?? '')) return undefined;
  const args = commandLineOf(parent).split('\0');
  return args[args.indexOf('-n') + 1 || args.length];
}

function nameOf(id: string, { BundlePath, Process }: ContainerRecord): string | undefined {
  const { annotations = {}, mounts = [] } = loadBundle(BundlePath).spec;
  const annotation = ANNOTATIONS.find((key) => annotations[key] !== undefined);
  if (annotation !== undefined) return annotations[annotation];
  const hostname = mounts.find(({ destination }) => destination === '/etc/hostname')?.source;
  const fromConmon = nameForConmon(Process.Shim.pid);
  return fromConmon ?? (hostname === undefined ? undefined : nameForDocker(id, hostname));
}

/** Printable characters only; undefined when the name is not known. */
export function engineName(id: string, record: ContainerRecord): string | undefined {
  try {
    return nameOf(id, record)?.replaceAll(/[^\x20-\x7e]/g, '?') || undefined;
  } catch {
    return undefined; // another engine's files, or a container that is being removed
  }
}
