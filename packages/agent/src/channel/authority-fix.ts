/**
 * Walks the HTTP/2 frames (RFC 9113, section 4) of a client and lets `rewriteAuthority` see each header block, whole: its
 * HEADERS and CONTINUATION frames are held back until the last has come. Everything else passes as it is, without a copy.
 */
import type { Duplex } from 'node:stream';
import { rewriteAuthority } from './rewrite-authority.ts';

const PREFACE_BYTES = 24;
const FRAME_HEADER_BYTES = 9;
const HEADERS = 1;
const CONTINUATION = 9;
const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY = 0x20;
/** Header blocks are a few hundred bytes; nghttp2 refuses what is larger than this, so it may pass. */
const MAX_HELD_BYTES = 65536;

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly payload: Buffer;
}

/** The part of a frame's payload that belongs to the header block. */
function fragment({ type, flags, payload }: Frame): Buffer {
  if (type === CONTINUATION) return payload;
  const padding = flags & PADDED ? (payload[0] ?? 0) : 0;
  const start = (flags & PADDED ? 1 : 0) + (flags & PRIORITY ? 5 : 0);
  return payload.subarray(start, Math.max(start, payload.length - padding));
}

/** Rewrites the block that lies in pieces in these frames. */
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
  /** Bytes that may pass unseen: the preface, then the payloads of other frames. */
  #passing = PREFACE_BYTES;
  #held: Buffer = Buffer.alloc(0);
  #isFirstBlock = true;
  #done = false;

  /** Takes what came and gives what may go on, which may be less or more. */
  feed(chunk: Buffer): Buffer {
    if (this.#done) return chunk;
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    const end = this.#walk(bytes);
    if (bytes.length - end > MAX_HELD_BYTES) this.#done = true;
    this.#held = this.#done ? Buffer.alloc(0) : bytes.subarray(end);
    return this.#done ? bytes : bytes.subarray(0, end);
  }

  /** How far the bytes are complete. */
  #walk(bytes: Buffer): number {
    let offset = 0;
    while (offset < bytes.length && !this.#done) {
      const passed = Math.min(this.#passing, bytes.length - offset);
      this.#passing -= passed;
      offset += passed;
      if (this.#passing > 0 || bytes.length - offset < FRAME_HEADER_BYTES) break;
      if (bytes[offset + 3] !== HEADERS) this.#passing = FRAME_HEADER_BYTES + bytes.readUIntBE(offset, 3);
      else {
        const length = this.#headerBlock(bytes.subarray(offset));
        if (length === 0) break;
        offset += length;
      }
    }
    return offset;
  }

  /** Rewrites the block that begins here. Gives the bytes of its frames, 0 when some are still to come. */
  #headerBlock(bytes: Buffer): number {
    const frames: Frame[] = [];
    for (let offset = 0; offset + FRAME_HEADER_BYTES <= bytes.length;) {
      const start = offset + FRAME_HEADER_BYTES;
      const [length, type = 0, flags = 0] = [bytes.readUIntBE(offset, 3), bytes[offset + 3], bytes[offset + 4]];
      if (start + length > bytes.length) return 0;
      frames.push({ type, flags, payload: bytes.subarray(start, start + length) });
      offset = start + length;
      if ((flags & END_HEADERS) === 0) continue;
      // All requests of a connection have the same authority: a client whose first is good needs no more looking at. One whose
      // first was not sends it again whenever its dynamic table has become full of other fields.
      if (!rewriteFrames(frames) && this.#isFirstBlock) this.#done = true;
      this.#isFirstBlock = false;
      return offset;
    }
    return 0;
  }
}

/**
 * Has `stream` give its reader repaired bytes: `push` is where they come in, and a stream in between would cost more. It must be
 * one that pushes whatever comes, as yamux' streams do: a held back piece leaves its reader without an answer.
 * @returns what ends it, for a stream that is not a gRPC connection
 */
export function fixAuthority(stream: Duplex): () => void {
  const fix = new AuthorityFix();
  const push = stream.push.bind(stream);
  // An empty piece is not an end: it only has the stream ask for more.
  stream.push = (chunk: Buffer | null, encoding?: BufferEncoding): boolean => push(chunk && fix.feed(chunk), encoding);
  return () => void (stream.push = push);
}
