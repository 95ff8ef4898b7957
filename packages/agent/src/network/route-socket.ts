/**
 * Network requests to the kernel over rtnetlink. The kernel answers each before write(2) returns, so everything here is synchronous. In an
 * emulated guest this costs a tenth of running ip(8), whose program and libraries would have to be translated first.
 */
import { closeSync, readSync, writeSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';
import { status } from '@grpc/grpc-js';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { GrpcError } from '../errors/grpc-error.ts';
import { RTM_NEWADDR, listAddresses, parseReplies } from './rtnetlink-message.ts';
import type { NetlinkReply } from './rtnetlink-message.ts';

/** Room for one part of a list (netlink(7) asks for 8 KiB at least). */
const READ_BYTES = 32_768;

/** Description of the request for the error. */
export interface NetworkRequest {
  readonly what: string;
  readonly message: Buffer;
}

export class RouteSocket {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(READ_BYTES);

  constructor(kernel: Pick<Kernel, 'openRouteSocket'>) {
    this.#fd = kernel.openRouteSocket();
  }

  /** @throws GrpcError with the kernel's reason */
  carryOut({ what, message }: NetworkRequest): void {
    check(what, this.ask(message));
  }

  /** @returns errno, or 0 */
  ask(message: Buffer): number {
    writeSync(this.#fd, message);
    return this.#read().find((answer) => answer.kind === 'result')?.errno ?? 0;
  }

  /** The kernel's messages about the addresses of all links, each in the form that `deleteAddress` takes. @throws GrpcError */
  addresses(): Buffer[] {
    writeSync(this.#fd, listAddresses());
    const rows: Buffer[] = [];
    for (;;) {
      for (const answer of this.#read()) {
        if (answer.kind === 'done') return rows;
        if (answer.kind === 'result') check('list of addresses', answer.errno);
        else if (answer.type === RTM_NEWADDR) rows.push(Buffer.from(answer.payload));
      }
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #read(): NetlinkReply[] {
    return parseReplies(this.#buffer.subarray(0, readSync(this.#fd, this.#buffer)));
  }
}

/** `errno` of a request. */
export function refusedByKernel(what: string, errno: number): GrpcError {
  const [, reason = `error ${errno}`] = getSystemErrorMap().get(-errno) ?? [];
  return new GrpcError(status.INTERNAL, `${what}: ${reason}`);
}

function check(what: string, errno: number): void {
  if (errno !== 0) throw refusedByKernel(what, errno);
}
