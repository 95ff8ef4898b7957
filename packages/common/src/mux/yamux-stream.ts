/** One stream of a session: a duplex with half-close, and back-pressure both ways by yamux's windows. */
import yamuxConstants from 'yamux-js/lib/constants.js';
import { FLAGS, ProtocolError, TYPES } from './frame.ts';
import { ReceiveBuffer } from './receive-buffer.ts';
import { YamuxJsStream } from './yamux-js-base.ts';
import type { StreamOwner } from './yamux-js-base.ts';

const { STREAM_STATES } = yamuxConstants;

/** Largest body sent in one frame: big enough for one write a frame, small enough to be fair to other streams. */
const MAX_BODY = 65536;
/** A stream that the peer has not closed is reset after this time, as in hashicorp/yamux (StreamCloseTimeout). */
const CLOSE_TIMEOUT_MS = 300_000;

type Callback = (error?: Error | null) => void;

class StreamResetError extends Error {
  readonly code = 'ECONNRESET';
}

/** Removes up to `limit` bytes from the front of `chunks`. */
function takeBytes(chunks: Buffer[], limit: number): { body: Buffer[]; length: number } {
  const body: Buffer[] = [];
  let length = 0;
  for (let chunk = chunks.shift(); chunk !== undefined; chunk = length < limit ? chunks.shift() : undefined) {
    const part = chunk.subarray(0, limit - length);
    if (part.length < chunk.length) chunks.unshift(chunk.subarray(part.length));
    if (part.length > 0) body.push(part);
    length += part.length;
  }
  return { body, length };
}

export class YamuxStream extends YamuxJsStream {
  readonly #owner: StreamOwner;
  /** Received bytes that the reader has not taken; the window bounds them. */
  readonly #held = new ReceiveBuffer();
  #wantsData = false;
  #finReceived = false;
  #finSent = false;
  #ended = false;
  #blocked: { chunks: Buffer[]; callback: Callback } | undefined;
  #closeTimer: NodeJS.Timeout | undefined;
  /** The session counts the streams that the peer has not acknowledged. */
  #isCounted: boolean;

  constructor(owner: StreamOwner, id: number, state: number) {
    super(owner, id, state);
    this.#owner = owner;
    this.#isCounted = state === STREAM_STATES.Init;
    // Node's own buffer takes one chunk; further bytes wait here, joined.
    this._readableState.highWaterMark = 1;
  }

  // Received frames, called by the session

  /** A Data header arrived. @throws ProtocolError when the peer exceeds the window */
  expectBody(length: number): void {
    if (length > this.recvWindow) throw new ProtocolError(`stream ${this.id}: receive window exceeded`);
    this.recvWindow -= length;
  }

  /** `piece` belongs to the caller again after the call, unless a listener of 'data' keeps it. */
  receiveBody(piece: Buffer): void {
    if (this.destroyed) return;
    const isRead = this.#wantsData && this.#held.length === 0 && this.readableLength === 0 && this.readableFlowing === true;
    if (isRead) this.#wantsData = this.push(piece);
    else this.#held.add(piece);
    this.#deliver();
  }

  receiveCredit(credit: number): void {
    this.sendWindow += credit;
    if (credit > 0) this.#resume();
  }

  receiveAck(): void {
    if (this.state !== STREAM_STATES.SYNSent) return;
    this.state = STREAM_STATES.Established;
    this.#uncount();
  }

  receiveFin(): void {
    this.#finReceived = true;
    this.#deliver();
    this.#forgetWhenClosed();
  }

  receiveReset(): void {
    this.state = STREAM_STATES.Reset;
    this.#forget();
    if (!this.destroyed) this.destroy(new StreamResetError('yamux stream was reset by the peer'));
  }

  // Node's side

  override _read(): void {
    this.#wantsData = true;
    this.#deliver();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: Callback): void {
    this.#send([chunk], callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: Callback): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _final(callback: Callback): void {
    this.#sendFin();
    callback();
  }

  override _destroy(error: Error | null, callback: Callback): void {
    const blocked = this.#blocked;
    this.#blocked = undefined;
    this.#held.clear();
    blocked?.callback(error ?? new StreamResetError('yamux stream was closed'));
    if (!this.#owner.shutdown && this.state !== STREAM_STATES.Reset) this.#close(error);
    callback(error);
  }

  /** The session ended: nothing can be sent any more. */
  abandon(error: Error): void {
    clearTimeout(this.#closeTimer);
    if (!this.destroyed) this.destroy(error);
  }

  /** A window update is sent when the reader takes data, not when data arrives: a slow reader holds one window at most. */
  #deliver(): void {
    for (let chunk = this.#next(); chunk !== undefined; chunk = this.#next()) this.#wantsData = this.push(chunk);
    if (!this.#finReceived) this.#giveCredit();
    else if (this.#held.length === 0 && !this.#ended) {
      this.#ended = true;
      this.push(null);
    }
  }

  /** The next chunk, if the reader wants one. */
  #next(): Buffer | undefined {
    return this.#wantsData ? this.#held.take() : undefined;
  }

  #giveCredit(): void {
    if (this.destroyed || this.#owner.shutdown) return;
    const whole = this.#owner.config.maxStreamWindowSize;
    const credit = whole - this.recvWindow - this.#held.length - this.#owner.expectedFor(this);
    if (credit < whole / 2) return;
    this.recvWindow += credit;
    this.#owner.sendFrame({ type: TYPES.WindowUpdate, flags: this.sendFlags(), streamId: this.id, length: credit });
  }

  #send(chunks: Buffer[], callback: Callback): void {
    if (this.state === STREAM_STATES.Reset || this.#owner.shutdown) return callback(new StreamResetError('yamux stream is closed'));
    while (chunks.length > 0) {
      if (this.sendWindow === 0 || this.#owner.congested) return this.#block(chunks, callback);
      const { body, length } = takeBytes(chunks, Math.min(this.sendWindow, MAX_BODY));
      this.sendWindow -= length;
      if (length > 0) this.#owner.sendFrame({ type: TYPES.Data, flags: this.sendFlags(), streamId: this.id, length }, body);
    }
    callback();
  }

  #block(chunks: Buffer[], callback: Callback): void {
    this.#blocked = { chunks, callback };
    if (this.#owner.congested) this.#owner.whenWritable(() => this.#resume());
  }

  #resume(): void {
    const blocked = this.#blocked;
    this.#blocked = undefined;
    if (blocked) this.#send(blocked.chunks, blocked.callback);
  }

  #sendFin(): void {
    if (this.#finSent || this.#owner.shutdown || this.state === STREAM_STATES.Reset) return;
    this.#finSent = true;
    this.#owner.sendFrame({ type: TYPES.WindowUpdate, flags: this.sendFlags() | FLAGS.FIN, streamId: this.id, length: 0 });
    this.#forgetWhenClosed();
  }

  /** An error resets the stream at once; a close waits for the peer's FIN, with a time limit. */
  #close(error: Error | null): void {
    if (error) return this.#reset();
    this.#sendFin();
    if (this.#finReceived) return;
    this.#closeTimer = setTimeout(() => this.#reset(), CLOSE_TIMEOUT_MS);
    this.#closeTimer.unref();
  }

  #reset(): void {
    if (!this.#owner.shutdown && !(this.#finSent && this.#finReceived)) {
      this.#owner.sendFrame({ type: TYPES.WindowUpdate, flags: this.sendFlags() | FLAGS.RST, streamId: this.id, length: 0 });
    }
    this.state = STREAM_STATES.Reset;
    this.#forget();
  }

  #forgetWhenClosed(): void {
    if (this.#finSent && this.#finReceived) this.#forget();
  }

  #uncount(): void {
    if (this.#isCounted) this.#owner.acknowledged();
    this.#isCounted = false;
  }

  /** A later acknowledgement is for a stream that does not exist any more. */
  #forget(): void {
    clearTimeout(this.#closeTimer);
    this.#uncount();
    this.#owner.closeStream(this.id);
  }
}
