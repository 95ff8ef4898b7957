import { status } from '@grpc/grpc-js';
import type { CreateContainerRequest } from '@kata-containers/common/generated/agent';
import type { Spec } from '@kata-containers/common/generated/oci';
import { GrpcError } from '../errors/grpc-error.ts';

/** The request's specification after 1.x's checks, and a check that the id is a valid directory name. @throws GrpcError */
export function checkedSpec({ container_id: id, OCI: spec }: CreateContainerRequest): Spec {
  if (!/^[A-Za-z0-9_+-][A-Za-z0-9_+.-]*$/.test(id))
    throw new GrpcError(status.INVALID_ARGUMENT, `invalid container id ${JSON.stringify(id)}`);
  if (!spec) throw new GrpcError(status.INVALID_ARGUMENT, 'OCI specification is missing');
  if (spec.Linux?.Namespaces.some(({ Type }) => Type === 'pid') === true)
    throw new GrpcError(status.FAILED_PRECONDITION, `Unexpected PID namespace received for container ${id}, should have been cleared out`);
  return spec;
}
