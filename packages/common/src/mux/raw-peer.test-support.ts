/** For tests: a session whose peer sends and receives raw bytes. */
import { once } from 'node:events';
import { duplexPair } from 'node:stream';
import type { Duplex } from 'node:stream';
import { FrameParser, encodeHeader } from './frame.ts';
import type { YamuxHeader } from './frame.ts';
import { YamuxSession } from './yamux-session.ts';
import type { YamuxOptions } from './yamux-session.ts';
import type { YamuxStream } from './yamux-stream.ts';

export interface SeenFrame extends YamuxHeader {
  readonly body: string;
}

export const frame = (type: number, flags: number, streamId: number, length: number): Buffer =>
  encodeHeader({ type, flags, streamId, length });

export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class RawPeer {
  readonly session: YamuxSession;
  readonly connection: Duplex;
  /** What the session has sent, frame by frame. */
  readonly frames: SeenFrame[] = [];
  readonly bytes: Buffer[] = [];
  /** The error that the session ended with. */
  readonly ended: Promise<Error | undefined>;

  constructor(role: 'client' | 'server', options: YamuxOptions = {}) {
    const [ours, theirs] = duplexPair({ highWaterMark: 1 << 20 });
    this.connection = theirs;
    this.session = new YamuxSession(role, ours, options);
    const parser = new FrameParser({
      onHeader: (header) => this.frames.push({ ...header, body: '' }),
      onBody: (piece) => {
        const last = this.frames.pop();
        if (last) this.frames.push({ ...last, body: last.body + piece.toString('latin1') });
      },
    });
    theirs.on('data', (chunk: Buffer) => {
      this.bytes.push(chunk);
      parser.push(chunk);
    });
    theirs.on('error', () => {});
    this.ended = once(this.session as unknown as NodeJS.EventEmitter, 'shutdown').then(([error]) => error as Error | undefined);
  }

  /** Sends the bytes in one chunk, and lets both sides process them. */
  async say(...parts: (Buffer | string)[]): Promise<void> {
    this.connection.write(Buffer.concat(parts.map((part) => Buffer.from(part as string))));
    await this.settle();
  }

  async settle(): Promise<void> {
    for (let round = 0; round < 4; round++) await turn();
  }

  /** Frames of one stream. */
  of(streamId: number): SeenFrame[] {
    return this.frames.filter((seen) => seen.streamId === streamId);
  }
}

/** Records of the streams that a session accepted. */
export class Accepted {
  readonly streams: YamuxStream[] = [];
  readonly texts: string[] = [];
  ends = 0;
}

/** A server that accepts every stream, and reads it by default. */
export function playClient(options: YamuxOptions & { readonly read?: boolean } = {}): [peer: RawPeer, accepted: Accepted] {
  const accepted = new Accepted();
  const onStream = (stream: YamuxStream): void => {
    const index = accepted.streams.push(stream) - 1;
    accepted.texts[index] = '';
    stream.on('error', () => {});
    if (options.read === false) return;
    stream.on('data', (chunk: Buffer) => (accepted.texts[index] += chunk.toString()));
    stream.on('end', () => accepted.ends++);
  };
  return [new RawPeer('server', { ...options, onStream }), accepted];
}

/** A client with one stream open. */
export async function playServer(): Promise<[peer: RawPeer, stream: YamuxStream]> {
  const peer = new RawPeer('client');
  const stream = await peer.session.openStream();
  stream.on('error', () => {});
  await peer.settle();
  return [peer, stream];
}
