/** HTTP/2 frames (RFC 9113, section 4): a header of 9 bytes and a payload of at most 16 KiB. Knows bytes only. */

export const FRAME = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
};
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 0x20 };
const HEADER_LENGTH = 9;
/** Longest payload; larger ones would have to be allowed by SETTINGS. */
export const MAX_PAYLOAD = 16384;

export interface FrameHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
}

/** The peer does not speak HTTP/2, or breaks its rules. */
export class Http2Error extends Error {}

export interface Frame {
  readonly header: FrameHeader;
  readonly payload: Buffer;
  /** Offset of the next frame. */
  readonly end: number;
}

/** Reads the header of the frame at `offset`; undefined while the header is incomplete. @throws Http2Error for a frame that is too long */
export function readFrameHeader(bytes: Buffer, offset: number): Omit<Frame, 'payload'> | undefined {
  const start = offset + HEADER_LENGTH;
  if (start > bytes.length) return undefined;
  const length = bytes.readUIntBE(offset, 3);
  if (length > MAX_PAYLOAD) throw new Http2Error(`an HTTP/2 frame of ${length} bytes is too long`);
  const header = { type: bytes[offset + 3] ?? 0, flags: bytes[offset + 4] ?? 0, streamId: bytes.readUInt32BE(offset + 5) & 0x7fffffff };
  return { header, end: start + length };
}

/** Reads the frame at `offset`; undefined while the frame is incomplete. @throws Http2Error for a frame that is too long */
export function readFrame(bytes: Buffer, offset: number): Frame | undefined {
  const found = readFrameHeader(bytes, offset);
  if (!found || found.end > bytes.length) return undefined;
  return { header: found.header, payload: bytes.subarray(offset + HEADER_LENGTH, found.end), end: found.end };
}

/** Header of a frame whose payload of `length` bytes follows. */
export function encodeFrameHeader({ type, flags, streamId }: FrameHeader, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH);
  bytes.writeUIntBE(length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(streamId, 5);
  return bytes;
}

export function encodeFrame(header: FrameHeader, payload: Buffer): Buffer {
  return Buffer.concat([encodeFrameHeader(header, payload.length), payload]);
}

/** A 32-bit number, the payload of window updates and resets. */
export function encodeNumber(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** The payload without the padding that its flags announce (section 6.1), and for HEADERS without the priority (6.2). */
export function stripPadding({ type, flags }: FrameHeader, payload: Buffer): Buffer {
  const padded = (flags & FLAG.padded) !== 0;
  const start = (padded ? 1 : 0) + (type === FRAME.headers && flags & FLAG.priority ? 5 : 0);
  const end = payload.length - (padded ? (payload[0] ?? 0) : 0);
  if (start > end) throw new Http2Error('HTTP/2 padding is longer than its frame');
  return payload.subarray(start, end);
}

/** Cuts a byte stream into whole frames, wherever its chunks end. Holds at most one frame. */
export class FrameReader {
  readonly #onFrame: (header: FrameHeader, payload: Buffer) => void;
  /** A frame that has arrived in part. */
  readonly #held = Buffer.allocUnsafeSlow(HEADER_LENGTH + MAX_PAYLOAD);
  #heldLength = 0;

  /** `onFrame` may use the payload only during the call. */
  constructor(onFrame: (header: FrameHeader, payload: Buffer) => void) {
    this.#onFrame = onFrame;
  }

  /** @throws Http2Error for a frame that is too long, and whatever `onFrame` throws */
  push(chunk: Buffer): void {
    let offset = this.#heldLength > 0 ? this.#complete(chunk) : 0;
    if (this.#heldLength > 0) return;
    for (let frame = readFrame(chunk, offset); frame; frame = readFrame(chunk, offset)) {
      this.#onFrame(frame.header, frame.payload);
      offset = frame.end;
    }
    this.#hold(chunk.subarray(offset));
  }

  #hold(bytes: Buffer): void {
    bytes.copy(this.#held, this.#heldLength);
    this.#heldLength += bytes.length;
  }

  /** Completes the held frame. @returns how many bytes of the chunk it needed */
  #complete(chunk: Buffer): number {
    const head = chunk.subarray(0, Math.max(0, HEADER_LENGTH - this.#heldLength));
    this.#hold(head);
    const begun = readFrameHeader(this.#held.subarray(0, this.#heldLength), 0);
    if (!begun) return head.length;
    const tail = chunk.subarray(head.length, head.length + begun.end - this.#heldLength);
    this.#hold(tail);
    if (this.#heldLength === begun.end) {
      this.#heldLength = 0;
      this.#onFrame(begun.header, this.#held.subarray(HEADER_LENGTH, begun.end));
    }
    return head.length + tail.length;
  }
}
