/** Distinguishes gRPC connections and other streams of the host by their first bytes. */
import type { Duplex } from 'node:stream';
import { DNS_RELAY_PREFACE } from '@kata-containers/common/dns/dns-relay';

export type StreamKind = 'grpc' | 'dns relay';

function isBeginOfPreface(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, DNS_RELAY_PREFACE.length);
  return bytes.subarray(0, length).equals(DNS_RELAY_PREFACE.subarray(0, length));
}

/** Calls `onKind` when the first bytes have arrived. Removes the preface of a relay; all other bytes stay in the stream. */
export function recogniseStream(stream: Duplex, onKind: (kind: StreamKind) => void): void {
  let first: Buffer = Buffer.alloc(0);
  const decide = (kind: StreamKind, rest: Buffer): void => {
    stream.off('readable', look).off('end', giveUp);
    if (rest.length > 0) stream.unshift(rest);
    onKind(kind);
  };
  const giveUp = (): void => void stream.destroy();
  function look(): void {
    const bytes = stream.read() as Buffer | null;
    if (bytes === null) return; // the end, or an empty piece
    first = first.length === 0 ? bytes : Buffer.concat([first, bytes]);
    if (!isBeginOfPreface(first)) decide('grpc', first);
    else if (first.length >= DNS_RELAY_PREFACE.length) decide('dns relay', first.subarray(DNS_RELAY_PREFACE.length));
  }
  stream.on('error', () => {}); // the session reports errors
  stream.on('readable', look).on('end', giveUp);
}
