/**
 * yamux-js' own classes with the members that its type declarations hide. Its data path loses and corrupts bytes, so the
 * subclasses beside this file replace it; ids, configuration and the table of streams are used as they are.
 */
import type { Duplex } from 'node:stream';
import type { Config } from 'yamux-js';
import yamuxSession from 'yamux-js/lib/session.js';
import yamuxStream from 'yamux-js/lib/stream.js';
import type { YamuxHeader } from './frame.ts';

/** The session as its streams see it. */
export interface StreamOwner {
  readonly shutdown: boolean;
  readonly congested: boolean;
  readonly config: { readonly maxStreamWindowSize: number };
  /** Bytes of a frame's body that have not arrived for this stream; the window already accounts for them. */
  expectedFor(stream: object): number;
  /** Queues one frame. */
  sendFrame(header: YamuxHeader, body?: readonly Buffer[]): void;
  /** Calls `resume` once the connection accepts more. */
  whenWritable(resume: () => void): void;
  closeStream(id: number): void;
  acknowledged(): void;
}

export interface BaseSession {
  nextStreamID: number;
  localGoaway: boolean;
  remoteGoAway: boolean;
  shutdown: boolean;
  readonly config: { readonly maxStreamWindowSize: number; readonly acceptBacklog: number };
  closeStream(id: number): void;
  destroy(): void;
  emit(event: string, ...values: unknown[]): boolean;
  on(event: 'shutdown', listener: (error: Error | undefined) => void): this;
}

export interface BaseStream extends Duplex {
  readonly id: number;
  state: number;
  recvWindow: number;
  sendWindow: number;
  /** Node's own; set here because yamux-js passes no stream options. */
  readonly _readableState: { highWaterMark: number };
  /** SYN or ACK if the stream has not sent it yet; advances the state. */
  sendFlags(): number;
}

export const YamuxJsSession = yamuxSession.Session as unknown as new (client: boolean, config: Partial<Config>) => BaseSession;
export const YamuxJsStream = yamuxStream.Stream as unknown as new (session: StreamOwner, id: number, state: number) => BaseStream;
