/**
 * The stream between the guest's name server on 127.0.0.11 and the relay in a shim on the host (docs/wire/dns-relay.md). The relay
 * opens the stream with `DNS_RELAY_PREFACE`; each side then sends frames:
 *
 *   token     2 bytes, chosen by the guest: an answer has the token of its query
 *   transport 1 byte, 0 for UDP, 1 for TCP
 *   length    2 bytes, of the DNS message that follows; 0 in an answer when the resolver did not answer
 *
 * Numbers are big-endian.
 */

import { LengthPrefixed } from './length-prefixed.ts';

/** As long as HTTP/2's preface, with which every other stream to the agent begins. */
export const DNS_RELAY_PREFACE = Buffer.from('KATA DNS RELAY 1\r\n\r\n\r\n\r\n');

/** Address and port of docker's resolver in a container's network namespace (libnetwork, resolver.go). */
export const DOCKER_RESOLVER = '127.0.0.11';
export const DNS_PORT = 53;

const HEADER_BYTES = 5;
const MAX_MESSAGE_BYTES = 65535;

export type DnsTransport = 'udp' | 'tcp';

export interface DnsFrame {
  readonly token: number;
  readonly transport: DnsTransport;
  readonly message: Buffer;
}

/** A message that is too long for a frame is sent as an empty one. */
export function encodeDnsFrame({ token, transport, message }: DnsFrame): Buffer {
  const length = message.length > MAX_MESSAGE_BYTES ? 0 : message.length;
  const frame = Buffer.allocUnsafe(HEADER_BYTES + length);
  frame.writeUInt16BE(token, 0);
  frame[2] = transport === 'tcp' ? 1 : 0;
  frame.writeUInt16BE(length, 3);
  message.copy(frame, HEADER_BYTES, 0, length);
  return frame;
}

function frameBytes(header: Buffer): number {
  const [, , transport = 0] = header;
  if (transport > 1) throw new Error(`the peer does not relay DNS: transport ${transport}`);
  return HEADER_BYTES + header.readUInt16BE(3);
}

/** Cuts a stream into frames. */
export class DnsFrameReader {
  readonly #units = new LengthPrefixed(HEADER_BYTES, frameBytes);

  /** @throws Error for a transport that does not exist */
  push(piece: Buffer): DnsFrame[] {
    return this.#units.push(piece).map((unit) => ({
      token: unit.readUInt16BE(0),
      transport: unit[2] === 1 ? 'tcp' : 'udp',
      message: unit.subarray(HEADER_BYTES),
    }));
  }
}
