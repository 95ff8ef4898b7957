/** yamux frames (hashicorp/yamux, spec.md): a header of 12 bytes, and after a Data header its body. Knows bytes only. */
import yamuxConstants from 'yamux-js/lib/constants.js';
import yamuxHeader from 'yamux-js/lib/header.js';

export const { TYPES, FLAGS, VERSION } = yamuxConstants;

/** Bytes of a header. */
export const HEADER_LENGTH = 12;

/** Codes of a GoAway frame. */
export const GO_AWAY = { normal: 0, protocolError: 1, internalError: 2 } as const;

export interface YamuxHeader {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  /** Body length of a Data frame, credit of a WindowUpdate, value of a Ping, code of a GoAway. */
  readonly length: number;
}

export function encodeHeader({ type, flags, streamId, length }: YamuxHeader): Buffer {
  return new yamuxHeader.Header(VERSION, type, flags, streamId, length).encode();
}

/** The peer does not speak yamux, or breaks its rules. */
export class ProtocolError extends Error {}

export interface FrameSink {
  /** A header is complete. Called before the body's pieces. */
  onHeader(header: YamuxHeader): void;
  /** A piece of the current Data frame's body; `left` bytes have not arrived yet. */
  onBody(piece: Buffer, left: number): void;
}

/** Cuts a byte stream into frames, wherever its chunks end. Bodies are passed on as they arrive and never buffered. */
export class FrameParser {
  readonly #sink: FrameSink;
  readonly #partial = Buffer.alloc(HEADER_LENGTH);
  #partialLength = 0;
  #bodyLeft = 0;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Bytes of the current body that have not arrived yet. */
  get bodyLeft(): number {
    return this.#bodyLeft;
  }

  /** @throws ProtocolError */
  push(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length) offset += this.#bodyLeft > 0 ? this.#pushBody(chunk, offset) : this.#pushHeader(chunk, offset);
  }

  #pushBody(chunk: Buffer, offset: number): number {
    const length = Math.min(this.#bodyLeft, chunk.length - offset);
    this.#bodyLeft -= length;
    this.#sink.onBody(chunk.subarray(offset, offset + length), this.#bodyLeft);
    return length;
  }

  #pushHeader(chunk: Buffer, offset: number): number {
    const length = Math.min(HEADER_LENGTH - this.#partialLength, chunk.length - offset);
    chunk.copy(this.#partial, this.#partialLength, offset, offset + length);
    this.#partialLength += length;
    if (this.#partialLength === HEADER_LENGTH) {
      this.#partialLength = 0;
      this.#deliver(this.#partial);
    }
    return length;
  }

  #deliver(bytes: Buffer): void {
    if (bytes[0] !== VERSION) throw new ProtocolError(`invalid yamux version ${bytes[0]}`);
    const header = { type: bytes[1] ?? 0, flags: bytes.readUInt16BE(2), streamId: bytes.readUInt32BE(4), length: bytes.readUInt32BE(8) };
    if (header.type > TYPES.GoAway) throw new ProtocolError(`invalid yamux message type ${header.type}`);
    if (header.type === TYPES.Data) this.#bodyLeft = header.length;
    this.#sink.onHeader(header);
  }
}
