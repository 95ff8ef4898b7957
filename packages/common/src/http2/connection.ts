/**
 * The part of HTTP/2 that a gRPC client needs, over one connection: requests with a body, answers with trailers. node:http2 would cost
 * each shim 8 MiB and most of the speed (ADR 5). The peer is the guest: all memory that it can make us hold is bounded.
 */
import type { Duplex } from 'node:stream';
import { HeaderDecoder } from './hpack.ts';
import { FLAG, FRAME, FrameReader, Http2Error, MAX_PAYLOAD, encodeFrame, encodeFrameHeader, encodeNumber, stripPadding } from './frames.ts';
import type { FrameHeader } from './frames.ts';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const SETTING = { enablePush: 2, initialWindowSize: 4 };
const DEFAULT_WINDOW = 65535;
const MAX_WINDOW = 0x7fffffff;
/** Step of the window updates of the connection. Each answer has a bound of its own. */
const CREDIT_STEP = 16 << 20;
/** Longest header block over all its frames. */
const MAX_HEADER_BLOCK = 65536;
/** Limit of queued bytes: a peer that causes more replies does not read them. */
const MAX_QUEUED = 8 << 20;

/** Receives the answer to a request. May use `data` only during the call; may throw Http2Error. */
export interface ResponseSink {
  onHeaders(headers: ReadonlyMap<string, string>): void;
  onData(data: Buffer): void;
  /** The answer is complete. */
  onEnd(): void;
  /** The peer refused the request. `code` as in RFC 9113, section 7. */
  onReset(code: number): void;
  /** The connection is lost. */
  onLost(reason: Error): void;
}

interface Stream {
  readonly sink: ResponseSink;
  /** What is left to send. */
  readonly body: Uint8Array[];
  window: number;
}

interface HeaderBlock {
  readonly header: FrameHeader;
  readonly parts: Buffer[];
  length: number;
}

export class Http2Connection {
  readonly #socket: Duplex;
  readonly #reader = new FrameReader((header, payload) => this.#onFrame(header, payload));
  readonly #headers = new HeaderDecoder();
  readonly #streams = new Map<number, Stream>();
  readonly #onReady: () => void;
  #nextId = 1;
  #window = DEFAULT_WINDOW;
  #initialWindow = DEFAULT_WINDOW;
  #consumed = 0;
  #ready = false;
  #lost: Error | undefined;
  readonly #ended = Promise.withResolvers<Error>();
  /** A header block that continues in CONTINUATION frames. */
  #block: HeaderBlock | undefined;

  /** `onReady` is called once the peer has shown that it speaks HTTP/2. Give the socket's bytes to `receive`. */
  constructor(socket: Duplex, onReady: () => void) {
    this.#socket = socket;
    this.#onReady = onReady;
    const settings = [
      [SETTING.enablePush, 0],
      [SETTING.initialWindowSize, MAX_WINDOW],
    ] as const;
    const payload = Buffer.concat(settings.map(([name, value]) => Buffer.concat([Buffer.from([0, name]), encodeNumber(value)])));
    socket.cork(); // one write: each is a frame of its own for the guest
    socket.write(PREFACE);
    this.#send({ type: FRAME.settings, flags: 0, streamId: 0 }, payload);
    this.#credit(MAX_WINDOW - DEFAULT_WINDOW);
    socket.uncork();
    socket.on('error', (error) => this.fail(error));
    socket.on('close', () => this.fail(new Error('the connection was closed')));
    socket.on('end', () => this.fail(new Error('the connection was closed')));
  }

  /** Why the connection was lost; undefined while it is open. */
  get lost(): Error | undefined {
    return this.#lost;
  }

  /** Resolves to the reason when the connection is lost. */
  get ended(): Promise<Error> {
    return this.#ended.promise;
  }

  /** Sends a request. `headers` is an encoded block of at most one frame. */
  request(headers: Buffer, body: readonly Uint8Array[], sink: ResponseSink): number {
    const id = this.#nextId;
    this.#nextId += 2;
    const lost = this.#lost;
    if (lost) {
      queueMicrotask(() => sink.onLost(lost));
      return id;
    }
    const stream = { sink, body: [...body], window: this.#initialWindow };
    this.#streams.set(id, stream);
    this.#socket.cork();
    this.#send({ type: FRAME.headers, flags: FLAG.endHeaders, streamId: id }, headers);
    this.#sendBody(id, stream);
    this.#socket.uncork();
    return id;
  }

  /** Cancels a request. */
  cancel(id: number): void {
    const CANCEL = 8;
    if (this.#streams.delete(id)) this.#send({ type: FRAME.rstStream, flags: 0, streamId: id }, encodeNumber(CANCEL));
  }

  /** Bytes from the peer; kept no longer than the call. */
  receive(bytes: Buffer): void {
    try {
      this.#reader.push(bytes);
      if (this.#socket.writableLength > MAX_QUEUED) throw new Http2Error('the peer does not read');
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  /** Ends every request. The first reason counts. */
  fail(reason: Error): void {
    if (this.#lost) return;
    this.#lost = reason;
    this.#ended.resolve(reason);
    this.#socket.destroy();
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { sink } of streams) sink.onLost(reason);
  }

  #send(header: FrameHeader, payload: Buffer): void {
    if (!this.#lost) this.#socket.write(encodeFrame(header, payload));
  }

  #credit(bytes: number): void {
    this.#send({ type: FRAME.windowUpdate, flags: 0, streamId: 0 }, encodeNumber(bytes));
  }

  /** As much as the windows allow, in frames of whole parts where they fit. */
  #sendBody(id: number, stream: Stream): void {
    const { body } = stream;
    for (let part = body.shift(); part !== undefined; part = body.shift()) {
      const length = Math.min(part.length, MAX_PAYLOAD, stream.window, this.#window);
      if (length === 0 && part.length > 0) return void body.unshift(part);
      if (length < part.length) body.unshift(part.subarray(length));
      stream.window -= length;
      this.#window -= length;
      const flags = body.length === 0 ? FLAG.endStream : 0;
      this.#socket.write(encodeFrameHeader({ type: FRAME.data, flags, streamId: id }, length));
      this.#socket.write(part.subarray(0, length));
    }
  }

  #sendAll(): void {
    this.#socket.cork();
    for (const [id, stream] of this.#streams) this.#sendBody(id, stream);
    this.#socket.uncork();
  }

  #onFrame(header: FrameHeader, payload: Buffer): void {
    if (!this.#ready) this.#expectSettings(header);
    if (this.#block) return this.#onContinuation(header, payload);
    switch (header.type) {
      case FRAME.data:
        return this.#onData(header, payload);
      case FRAME.headers:
        return this.#onHeaderBlock({ header, parts: [], length: 0 }, header, stripPadding(header, payload));
      case FRAME.rstStream:
        return this.#onReset(header.streamId, number(payload));
      case FRAME.settings:
        return this.#onSettings(header, payload);
      case FRAME.ping:
        if (!(header.flags & FLAG.ack)) this.#send({ type: FRAME.ping, flags: FLAG.ack, streamId: 0 }, Buffer.from(payload));
        return;
      case FRAME.goAway:
        return this.#onGoAway(payload);
      case FRAME.windowUpdate:
        return this.#onCredit(header.streamId, number(payload));
      case FRAME.pushPromise:
        throw new Http2Error('the peer pushes a response without a request');
      default: // unknown types are ignored (section 4.1)
    }
  }

  #expectSettings({ type, flags }: FrameHeader): void {
    if (type !== FRAME.settings || flags & FLAG.ack) throw new Http2Error('the peer does not speak HTTP/2');
    this.#ready = true;
    this.#onReady();
  }

  #take(id: number): Stream | undefined {
    const stream = this.#streams.get(id);
    this.#streams.delete(id);
    return stream;
  }

  #onReset(id: number, code: number): void {
    this.#take(id)?.sink.onReset(code);
  }

  #onData(header: FrameHeader, payload: Buffer): void {
    if (header.streamId === 0 || header.streamId >= this.#nextId) throw new Http2Error('data for a stream that was not opened');
    this.#consumed += payload.length;
    if (this.#consumed >= CREDIT_STEP) {
      this.#credit(this.#consumed);
      this.#consumed = 0;
    }
    this.#streams.get(header.streamId)?.sink.onData(stripPadding(header, payload));
    if (header.flags & FLAG.endStream) this.#take(header.streamId)?.sink.onEnd();
  }

  #onContinuation(header: FrameHeader, payload: Buffer): void {
    const block = this.#block;
    if (!block || header.type !== FRAME.continuation || header.streamId !== block.header.streamId)
      throw new Http2Error('a header block is interrupted');
    this.#onHeaderBlock(block, header, payload);
  }

  #onHeaderBlock(block: HeaderBlock, { flags }: FrameHeader, part: Buffer): void {
    block.length += part.length;
    if (block.length > MAX_HEADER_BLOCK) throw new Http2Error('a header block is too long');
    block.parts.push(Buffer.from(part));
    this.#block = flags & FLAG.endHeaders ? undefined : block;
    if (this.#block) return;
    const headers = this.#headers.decode(Buffer.concat(block.parts));
    this.#streams.get(block.header.streamId)?.sink.onHeaders(headers);
    if (block.header.flags & FLAG.endStream) this.#take(block.header.streamId)?.sink.onEnd();
  }

  #onSettings({ flags }: FrameHeader, payload: Buffer): void {
    if (flags & FLAG.ack) return;
    for (let offset = 0; offset + 6 <= payload.length; offset += 6)
      if (payload.readUInt16BE(offset) === SETTING.initialWindowSize) this.#resizeWindows(payload.readUInt32BE(offset + 2));
    this.#send({ type: FRAME.settings, flags: FLAG.ack, streamId: 0 }, Buffer.alloc(0));
    this.#sendAll();
  }

  /** Section 6.9.2: the difference applies to open streams too. */
  #resizeWindows(size: number): void {
    if (size > MAX_WINDOW) throw new Http2Error('a window is too large');
    for (const stream of this.#streams.values()) stream.window += size - this.#initialWindow;
    this.#initialWindow = size;
  }

  #onCredit(id: number, bytes: number): void {
    const stream = this.#streams.get(id);
    if (id === 0) this.#window += bytes;
    else if (stream) stream.window += bytes;
    if (Math.max(this.#window, stream?.window ?? 0) > MAX_WINDOW) throw new Http2Error('a window is too large');
    if (id === 0) this.#sendAll();
    else if (stream) this.#sendBody(id, stream);
  }

  /** Requests that the peer will not answer are lost; there are no later ones. */
  #onGoAway(payload: Buffer): void {
    const code = payload.length >= 8 ? payload.readUInt32BE(4) : 0;
    this.fail(new Error(`the server ended the connection (HTTP/2 code ${code})`));
  }
}

function number(payload: Buffer): number {
  if (payload.length < 4) throw new Http2Error('an HTTP/2 frame is too short');
  return payload.readUInt32BE(0) & 0x7fffffff;
}
