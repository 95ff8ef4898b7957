/** Sysctls of the guest itself. Loaded when a container asks for one. */
import { readFileSync, writeFileSync } from 'node:fs';
import { status } from '@grpc/grpc-js';
import { sysctlPath } from '../oci/split-sysctl.ts';
import { GrpcError } from '../errors/grpc-error.ts';

/** @throws GrpcError for a name that leads elsewhere, Error for one that the kernel does not have or a value it does not take */
export function writeSysctl(entries: readonly (readonly [name: string, value: string])[]): void {
  for (const [name, value] of entries) {
    const path = sysctlPath(name);
    if (path === undefined) throw new GrpcError(status.INVALID_ARGUMENT, `invalid sysctl ${name}`);
    readFileSync(path); // a name that does not exist fails with its own text
    writeFileSync(path, value);
  }
}
