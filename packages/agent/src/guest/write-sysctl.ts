/** Writes sysctls of the guest's kernel. Loaded when a container has one. */
import { existsSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { sysctlPath } from '../oci/split-sysctl.ts';
import { GrpcError } from '../errors/grpc-error.ts';

/** @throws GrpcError for a path outside of /proc/sys, a sysctl that the kernel does not have, and a value that the kernel refuses */
export function writeSysctl(entries: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of entries) {
    const path = sysctlPath(name);
    if (path === undefined) throw new GrpcError(status.INVALID_ARGUMENT, `invalid sysctl ${name}`);
    const refuse = (reason: string): never => {
      throw new GrpcError(status.INVALID_ARGUMENT, `sysctl ${name}: ${reason}`);
    };
    if (!existsSync(path)) refuse("the guest's kernel does not have it");
    try {
      writeFileSync(path, value);
    } catch (error) {
      refuse(`the guest's kernel refused ${JSON.stringify(value)} (${errorCode(error) ?? String(error)})`);
    }
  }
}
