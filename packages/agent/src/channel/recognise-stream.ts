/** Distinguishes gRPC connections and other streams of the host by their first bytes. */
import type { Duplex } from 'node:stream';
import { DNS_RELAY_PREFACE } from '@kata-containers/common/dns/dns-relay';
import { PORT_FORWARD_PREFACE } from '@kata-containers/common/port-forward/port-forward';

export type StreamKind = 'grpc' | 'dns relay' | 'port forward';

const prefaces: readonly (readonly [kind: StreamKind, preface: Buffer])[] = [
  ['dns relay', DNS_RELAY_PREFACE],
  ['port forward', PORT_FORWARD_PREFACE],
];

function isBegin(bytes: Buffer, preface: Buffer): boolean {
  const length = Math.min(bytes.length, preface.length);
  return bytes.subarray(0, length).equals(preface.subarray(0, length));
}

/** Calls `onKind` when the first bytes have arrived. Removes the preface of other kinds than gRPC; all other bytes stay in the stream. */
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
    const [kind, preface] = prefaces.find((candidate) => isBegin(first, candidate[1])) ?? [];
    if (kind === undefined || preface === undefined) decide('grpc', first);
    else if (first.length >= preface.length) decide(kind, first.subarray(preface.length));
  }
  stream.on('error', () => {}); // the session reports errors
  stream.on('readable', look).on('end', giveUp);
}
