/**
 * Walks the HTTP/2 frames (RFC 9113, section 4) of a client and passes each whole header block to `rewriteAuthority`: the HEADERS
 * and CONTINUATION frames of a block are held back until the last has arrived. Other frames pass unchanged, without a copy. Bytes
 * that are not HTTP/2 pass unchanged as well: nghttp2 refuses them.
 */
import type { Duplex } from 'node:stream';
import { FLAG, FRAME, Http2Error, readFrame, readFrameHeader, stripPadding } from '@kata-containers/common/http2/frames';
import type { Frame } from '@kata-containers/common/http2/frames';
import { rewriteAuthority } from './rewrite-authority.ts';

const PREFACE_BYTES = 24;
/** Header blocks are a few hundred bytes. nghttp2 refuses larger ones than this, so they may pass. */
const MAX_HELD_BYTES = 65536;

/** The part of a frame's payload that belongs to the header block. */
const fragment = ({ header, payload }: Frame): Buffer => (header.type === FRAME.headers ? stripPadding(header, payload) : payload);

/** Rewrites the header block of which each of these frames has a piece. */
function rewriteFrames(frames: readonly Frame[]): boolean {
  const pieces = frames.map(fragment);
  const [only] = pieces;
  if (pieces.length === 1 && only) return rewriteAuthority(only);
  const block = Buffer.concat(pieces);
  if (!rewriteAuthority(block)) return false;
  let offset = 0;
  for (const piece of pieces) offset += block.copy(piece, 0, offset);
  return true;
}

/** The state of one connection. */
export class AuthorityFix {
  /** Bytes that pass without being read: the preface, then the payloads of other frames. */
  #passing = PREFACE_BYTES;
  #held: Buffer = Buffer.alloc(0);
  #isFirstBlock = true;
  #done = false;

  /** Takes the next bytes of the client. @returns the bytes that may pass: fewer while a block is held back, more when it is complete */
  feed(chunk: Buffer): Buffer {
    if (this.#done) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = this.#walkOrPass(bytes);
    if (bytes.length - end > MAX_HELD_BYTES) this.#done = true;
    this.#held = this.#done ? Buffer.alloc(0) : bytes.subarray(end);
    return this.#done ? bytes : bytes.subarray(0, end);
  }

  /** Ends the walk. @returns the bytes that were held back */
  release(): Buffer {
    const held = this.#held;
    this.#held = Buffer.alloc(0);
    this.#done = true;
    return held;
  }

  #walkOrPass(bytes: Buffer): number {
    try {
      return this.#walk(bytes);
    } catch (error) {
      if (!(error instanceof Http2Error)) throw error;
      this.#done = true;
      return bytes.length;
    }
  }

  /** @returns the number of bytes that may pass. @throws Http2Error */
  #walk(bytes: Buffer): number {
    let offset = 0;
    while (offset < bytes.length && !this.#done) {
      const passed = Math.min(this.#passing, bytes.length - offset);
      this.#passing -= passed;
      offset += passed;
      const next = this.#passing > 0 ? undefined : readFrameHeader(bytes, offset);
      if (!next) break;
      if (next.header.type !== FRAME.headers) this.#passing = next.end - offset;
      else {
        const end = this.#headerBlock(bytes, offset);
        if (end === undefined) break;
        offset = end;
      }
    }
    return offset;
  }

  /** Rewrites the block whose frames begin at `start`. @returns their end; undefined when some have not arrived */
  #headerBlock(bytes: Buffer, start: number): number | undefined {
    const frames: Frame[] = [];
    for (let frame = readFrame(bytes, start); frame; frame = readFrame(bytes, frame.end)) {
      frames.push(frame);
      if ((frame.header.flags & FLAG.endHeaders) === 0) continue;
      // All requests of a connection have the same authority: when the first is valid, no other needs to be read. A client whose first
      // is invalid sends it in full again whenever other fields have filled its dynamic table.
      if (!rewriteFrames(frames) && this.#isFirstBlock) this.#done = true;
      this.#isFirstBlock = false;
      return frame.end;
    }
    return undefined;
  }
}

/**
 * Makes `stream` give its reader repaired bytes by wrapping `push`: a second stream would cost more. `stream` must push whatever
 * arrives without waiting for its reader, as yamux streams do: its reader gets nothing while a piece is held back.
 * @returns a function that undoes this, for a stream that is not a gRPC connection: its bytes may look like the begin of a frame
 */
export function fixAuthority(stream: Duplex): () => void {
  const fix = new AuthorityFix();
  const push = stream.push.bind(stream);
  // An empty piece is not the end of the stream: it only makes the stream read on.
  const passHeld = (): void => {
    const held = fix.release();
    if (held.length > 0) push(held);
  };
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => {
    if (chunk === null) passHeld();
    return push(chunk && fix.feed(chunk), encoding);
  };
  return () => {
    stream.push = push;
    passHeld();
  };
}
