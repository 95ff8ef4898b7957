/** DNS messages over TCP: each follows its length in two bytes (RFC 1035, section 4.2.2). */
import { LengthPrefixed } from './length-prefixed.ts';

export function encodeTcpMessage(message: Buffer): Buffer {
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(message.length, 0);
  return Buffer.concat([length, message]);
}

/** Cuts a stream into messages. */
export class TcpMessages {
  readonly #units = new LengthPrefixed(2, (header) => 2 + header.readUInt16BE(0));

  push(piece: Buffer): Buffer[] {
    return this.#units.push(piece).map((unit) => unit.subarray(2));
  }
}
