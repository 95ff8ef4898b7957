import type { ContainerRecord } from '../../state/state.ts';

/** Annotations that 1.x adds to the state of a container. */
export const containerAnnotations = ({ BundlePath, Type }: ContainerRecord): Record<string, string> => ({
  'io.katacontainers.pkg.oci.bundle_path': BundlePath,
  'io.katacontainers.pkg.oci.container_type': Type,
});
