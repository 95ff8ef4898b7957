/** The role of a container in a pod, from the annotations of CRI-O (and podman), containerd's CRI plugin and dockershim. */
import { SpecError } from '@kata-containers/common/errors/kata-error';
import type { Spec } from '@kata-containers/common/oci/spec';

export type ContainerRole =
  | { readonly kind: 'sandbox' }
  /** The container is not in a pod. */
  | { readonly kind: 'alone' }
  | {
      readonly kind: 'container';
      readonly sandboxId: string;
      /** True when the container is not in a pod if that sandbox does not exist. */
      readonly mayBeAlone: boolean;
    };

interface Engine {
  readonly type: string;
  readonly sandbox: string;
  readonly container: string;
  readonly sandboxId: string;
}

const CRIO_SANDBOX_ID = 'io.kubernetes.cri-o.SandboxID';

const engines: Engine[] = [
  { type: 'io.kubernetes.cri.container-type', sandbox: 'sandbox', container: 'container', sandboxId: 'io.kubernetes.cri.sandbox-id' },
  { type: 'io.kubernetes.cri-o.ContainerType', sandbox: 'sandbox', container: 'container', sandboxId: CRIO_SANDBOX_ID },
  { type: 'io.kubernetes.docker.type', sandbox: 'podsandbox', container: 'container', sandboxId: 'io.kubernetes.sandbox.id' },
];

/**
 * podman 4 sets the type `container` for every container of a pod, also for the infra container. The infra container, and containers of a
 * pod without one, name the pod as their sandbox, which no engine creates. podman 5 sets no type: a container that joins an infra container names it.
 */
const isOfPodman = (annotations: Readonly<Record<string, string>>): boolean => annotations['io.container.manager'] === 'libpod';

function untypedRole(annotations: Readonly<Record<string, string>>): ContainerRole {
  const sandboxId = isOfPodman(annotations) ? annotations[CRIO_SANDBOX_ID] : undefined;
  return sandboxId === undefined ? { kind: 'alone' } : { kind: 'container', sandboxId, mayBeAlone: true };
}

/** @throws SpecError when a pod's container does not name its pod */
export function containerRole(spec: Spec): ContainerRole {
  const annotations = spec.annotations ?? {};
  const engine = engines.find(({ type }) => annotations[type] !== undefined);
  if (!engine) return untypedRole(annotations);
  const type = annotations[engine.type];
  if (type === engine.sandbox) return { kind: 'sandbox' };
  if (type !== engine.container) throw new SpecError(`annotations["${engine.type}"]`, `Unknown container type ${type}`);
  const sandboxId = annotations[engine.sandboxId];
  if (sandboxId === undefined)
    throw new SpecError(`annotations["${engine.sandboxId}"]`, 'is missing: which sandbox does this container join?');
  return { kind: 'container', sandboxId, mayBeAlone: isOfPodman(annotations) };
}
