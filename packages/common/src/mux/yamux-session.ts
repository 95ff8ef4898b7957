/**
 * A yamux session over any duplex connection. It has no keep-alive: a paused VM does not answer, which must not break the session.
 */
import type { Duplex } from 'node:stream';
import yamuxConstants from 'yamux-js/lib/constants.js';
import { monotonicMs } from '../process/monotonic-clock.ts';
import { FLAGS, FrameParser, GO_AWAY, ProtocolError, TYPES, encodeHeader } from './frame.ts';
import type { YamuxHeader } from './frame.ts';
import { YamuxJsSession } from './yamux-js-base.ts';
import type { StreamOwner } from './yamux-js-base.ts';
import { YamuxStream } from './yamux-stream.ts';

const { STREAM_STATES } = yamuxConstants;

/** Bytes queued on the connection above which streams wait. */
const CONGESTED_BYTES = 262144;
/** Limits of queued bytes and replies: a peer that causes more does not read them. */
const MAX_QUEUED_BYTES = 4 << 20;
const MAX_QUEUED_ANSWERS = 16384;
/** Initial window of a stream, and accept backlog: hashicorp/yamux's defaults. */
const INITIAL_WINDOW = 262144;
const ACCEPT_BACKLOG = 256;
const MAX_STREAM_ID = 0xffffffff;

export interface YamuxOptions {
  /** Receives the streams that the peer opens. Without it they are reset. */
  readonly onStream?: (stream: YamuxStream) => void;
  /** Called for each stream that was refused, with their number so far. */
  readonly onRefusal?: (count: number) => void;
  /** Window of a stream: 256 KiB, or more for fewer window updates. */
  readonly windowBytes?: number;
  /** Most streams that the peer may have open; further ones are reset. */
  readonly maxStreams?: number;
}

export class YamuxSession extends YamuxJsSession implements StreamOwner {
  readonly #connection: Duplex;
  readonly #options: YamuxOptions;
  readonly #parser: FrameParser;
  readonly #table = new Map<number, YamuxStream>();
  readonly #waiting = new Set<() => void>();
  readonly #pings = new Map<
    number,
    { sent: number; resolve: (milliseconds: number) => void; reject: (error: Error) => void; timer: NodeJS.Timeout }
  >();
  readonly #openings: (() => void)[] = [];
  /** The stream of the current body, and the one that ends after it. */
  #target: YamuxStream | undefined;
  #finishing: YamuxStream | undefined;
  #unacknowledged = 0;
  /** Answers that were queued since the connection last drained. */
  #queuedAnswers = 0;
  #onTraffic: (() => void) | undefined;
  #refusals = 0;
  private pingValue = 0;
  #corked = false;

  constructor(role: 'client' | 'server', connection: Duplex, options: YamuxOptions = {}) {
    super(role === 'client', {
      enableKeepAlive: false,
      acceptBacklog: ACCEPT_BACKLOG,
      maxStreamWindowSize: options.windowBytes ?? INITIAL_WINDOW,
    });
    this.#connection = connection;
    this.#options = options;
    this.#parser = new FrameParser({ onHeader: (header) => this.#onHeader(header), onBody: (piece, left) => this.#onBody(piece, left) });
    connection.on('data', (chunk: Buffer) => this.receive(chunk));
    connection.on('drain', () => this.#onDrain());
    connection.on('end', () => this.fail());
    connection.on('close', () => this.fail());
    connection.on('error', (error: Error) => this.fail(error));
  }

  /** Streams that are open in either direction. */
  get streamCount(): number {
    return this.#table.size;
  }

  /** True while the connection is full: streams wait for 'drain', which is emitted only after a write that returned false. */
  get congested(): boolean {
    return this.#connection.writableNeedDrain && this.#connection.writableLength > CONGESTED_BYTES;
  }

  /** Opens a stream. Waits while too many are unacknowledged, because the peer would reset further ones. */
  async openStream(): Promise<YamuxStream> {
    while (!this.shutdown && this.#unacknowledged >= this.config.acceptBacklog)
      await new Promise<void>((resolve) => this.#openings.push(resolve));
    if (this.shutdown) throw new Error('yamux session is closed');
    if (this.remoteGoAway) throw new Error('yamux peer accepts no more streams');
    if (this.nextStreamID > MAX_STREAM_ID) throw new Error('no yamux stream ids are left');
    const stream = new YamuxStream(this, this.nextStreamID, STREAM_STATES.Init);
    this.nextStreamID += 2;
    this.#table.set(stream.id, stream);
    this.#unacknowledged++;
    this.#announce(stream);
    return stream;
  }

  /** Round trip in milliseconds. @throws when the peer does not answer within `timeoutMs`, or the session ends */
  ping(timeoutMs: number): Promise<number> {
    if (this.shutdown) return Promise.reject(new Error('yamux session is closed'));
    const value = this.pingValue;
    this.pingValue = (value + 1) >>> 0;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#pings.delete(value);
        reject(new Error(`no yamux ping answer within ${timeoutMs} ms`));
      }, timeoutMs);
      timer.unref();
      this.#pings.set(value, { sent: monotonicMs(), resolve, reject, timer });
      this.sendFrame({ type: TYPES.Ping, flags: FLAGS.SYN, streamId: 0, length: value });
    });
  }

  /** Calls `notify` once, at the next frame of a stream in either direction. Replaces the function of an earlier call. */
  onceTraffic(notify: () => void): void {
    this.#onTraffic = notify;
  }

  /** Asks the peer to open no more streams, and refuses those that it opens nevertheless. */
  goAway(code: number = GO_AWAY.normal): void {
    this.localGoaway = true;
    this.sendFrame({ type: TYPES.GoAway, flags: 0, streamId: 0, length: code });
  }

  /** Ends the session: streams end, the connection is closed after what is queued. */
  close(): void {
    if (this.shutdown) return;
    this.goAway();
    this.#end(undefined);
    this.#connection.end();
  }

  /** The connection is lost, or the peer violates the protocol: every stream ends with an error. */
  fail(error?: Error): void {
    if (this.shutdown) return;
    this.#end(error);
    this.#connection.uncork(); // sends the queued go away first
    this.#connection.destroy();
  }

  /** Receives bytes of a connection that does not emit 'data'. Listeners of a stream's 'data' may keep them only if the caller does not reuse the buffer. */
  receive(chunk: Buffer): void {
    try {
      this.#parser.push(chunk);
      if (this.#connection.writableLength > MAX_QUEUED_BYTES) throw new ProtocolError('yamux peer does not read');
    } catch (error) {
      if (error instanceof ProtocolError) this.goAway(GO_AWAY.protocolError);
      this.fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  // Called by the streams

  expectedFor(stream: object): number {
    return stream === this.#target ? this.#parser.bodyLeft : 0;
  }

  sendFrame(header: YamuxHeader, body: readonly Buffer[] = []): void {
    if (this.shutdown || this.#connection.destroyed || this.#connection.writableEnded) return;
    if (header.streamId !== 0) this.#noteTraffic();
    this.#cork();
    this.#connection.write(encodeHeader(header));
    for (const part of body) this.#connection.write(part);
  }

  whenWritable(resume: () => void): void {
    this.#waiting.add(resume);
  }

  override closeStream(id: number): void {
    this.#table.delete(id);
  }

  acknowledged(): void {
    this.#unacknowledged--;
    this.#openings.shift()?.();
  }

  /** Opens or accepts a stream, with credit for what its window has beyond the initial one. */
  #announce(stream: YamuxStream): void {
    const credit = this.config.maxStreamWindowSize - INITIAL_WINDOW;
    stream.recvWindow += credit;
    this.sendFrame({ type: TYPES.WindowUpdate, flags: stream.sendFlags(), streamId: stream.id, length: credit });
  }

  /** Frames of one turn of the event loop leave in one write. */
  #cork(): void {
    if (this.#corked) return;
    this.#corked = true;
    this.#connection.cork();
    process.nextTick(() => {
      this.#corked = false;
      this.#connection.uncork();
    });
  }

  #onDrain(): void {
    this.#queuedAnswers = 0;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resume of waiting) resume();
  }

  #noteTraffic(): void {
    const notify = this.#onTraffic;
    this.#onTraffic = undefined;
    notify?.();
  }

  #onHeader(header: YamuxHeader): void {
    if (header.type === TYPES.Ping) return this.#onPing(header);
    if (header.type === TYPES.GoAway) return this.#onGoAway(header.length);
    this.#noteTraffic();
    if (header.flags & FLAGS.SYN) this.#accept(header.streamId);
    const stream = this.#table.get(header.streamId);
    if (header.type === TYPES.Data) {
      this.#target = stream;
      if (header.length > 0) stream?.expectBody(header.length);
    }
    if (!stream) return;
    if (header.type === TYPES.WindowUpdate) stream.receiveCredit(header.length);
    if (header.flags & FLAGS.ACK) stream.receiveAck();
    if (header.flags & FLAGS.RST) return stream.receiveReset();
    // A FIN flag on a Data frame applies after the frame's body.
    if (header.flags & FLAGS.FIN) this.#onFin(stream, header);
  }

  #onFin(stream: YamuxStream, { type, length }: YamuxHeader): void {
    if (type === TYPES.Data && length > 0) this.#finishing = stream;
    else stream.receiveFin();
  }

  #onBody(piece: Buffer, left: number): void {
    this.#target?.receiveBody(piece);
    if (left > 0) return;
    this.#target = undefined;
    this.#finishing?.receiveFin();
    this.#finishing = undefined;
  }

  #accept(id: number): void {
    if (this.#table.has(id)) throw new ProtocolError(`yamux stream ${id} is opened twice`);
    const { onStream, maxStreams = ACCEPT_BACKLOG * 4 } = this.#options;
    if (!onStream || this.localGoaway || this.#table.size >= maxStreams) return this.#refuse(id);
    const stream = new YamuxStream(this, id, STREAM_STATES.SYNReceived);
    this.#table.set(id, stream);
    this.#announce(stream);
    onStream(stream);
  }

  /** Sends a frame that the peer can request at no cost. Their number is bounded, because many small frames use more memory than their bytes. */
  #answer(header: YamuxHeader): void {
    this.sendFrame(header);
    if (++this.#queuedAnswers <= MAX_QUEUED_ANSWERS) return;
    if (this.#connection.writableNeedDrain) throw new ProtocolError('yamux peer does not read');
    this.#queuedAnswers = 0;
  }

  #refuse(id: number): void {
    this.#answer({ type: TYPES.WindowUpdate, flags: FLAGS.RST, streamId: id, length: 0 });
    this.#options.onRefusal?.(++this.#refusals);
  }

  #onPing({ flags, length }: YamuxHeader): void {
    if (flags & FLAGS.SYN) return this.#answer({ type: TYPES.Ping, flags: FLAGS.ACK, streamId: 0, length });
    const ping = this.#pings.get(length);
    if (!ping) return;
    this.#pings.delete(length);
    clearTimeout(ping.timer);
    ping.resolve(monotonicMs() - ping.sent);
  }

  #onGoAway(code: number): void {
    this.remoteGoAway = true;
    if (code !== GO_AWAY.normal) this.fail(new Error(`yamux peer ended the session (go away ${code})`));
  }

  #end(error: Error | undefined): void {
    this.shutdown = true;
    const reason = error ?? new Error('yamux session is closed');
    for (const { timer, reject } of this.#pings.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#pings.clear();
    for (const resume of this.#openings.splice(0)) resume();
    const streams = [...this.#table.values()];
    this.#table.clear();
    for (const stream of streams) stream.abandon(reason);
    this.emit('shutdown', error);
  }
}
