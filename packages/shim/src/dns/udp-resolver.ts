/**
 * Sends queries by UDP. One socket serves all queries of a second. Conntrack keeps the port of the first packet of a flow,
 * and dockerd's resolver gets another port when dockerd restarts. A socket for each query would fill the host's conntrack table.
 */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';

/** Age after which a socket is not used for new queries. */
const SOCKET_AGE_MS = 1000;
/** Longer than docker's timeouts for all external servers together. */
const ANSWER_TIMEOUT_MS = 20_000;
const IDS = 65536;

type Callback = (answer: Buffer) => void;

interface Flow {
  readonly socket: Socket;
  readonly since: number;
  /** Queries to send when the socket is connected. */
  waiting: Buffer[] | undefined;
  readonly open: Map<number, { readonly id: number; readonly done: Callback; readonly timer: NodeJS.Timeout }>;
  isOver: boolean;
}

export interface ResolverAddress {
  readonly address: string;
  readonly port: number;
}

const NONE = Buffer.alloc(0);

export class UdpResolver {
  readonly #resolver: ResolverAddress;
  readonly #now: () => number;
  #flow: Flow | undefined;

  constructor(resolver: ResolverAddress, now: () => number) {
    this.#resolver = resolver;
    this.#now = now;
  }

  /** `query` must be checked. `done` is called once, with an empty message if no answer arrives. */
  ask(query: Buffer, done: Callback): void {
    const flow = this.#current();
    let id = Math.trunc(Math.random() * IDS);
    while (flow.open.has(id)) id = (id + 1) % IDS;
    const timer = setTimeout(() => this.#answer(flow, id, NONE), ANSWER_TIMEOUT_MS);
    timer.unref();
    flow.open.set(id, { id: query.readUInt16BE(0), done, timer });
    query.writeUInt16BE(id, 0);
    if (flow.waiting) flow.waiting.push(query);
    else flow.socket.send(query);
  }

  close(): void {
    if (this.#flow) this.#end(this.#flow);
  }

  #current(): Flow {
    const flow = this.#flow;
    if (flow && !flow.isOver && this.#now() - flow.since < SOCKET_AGE_MS) return flow;
    if (flow) this.#retire(flow);
    this.#flow = this.#open();
    return this.#flow;
  }

  #open(): Flow {
    const { address, port } = this.#resolver;
    const flow: Flow = { socket: createSocket('udp4'), since: this.#now(), waiting: [], open: new Map(), isOver: false };
    // On a connected socket the kernel accepts packets from the resolver only, and reports that the port has no listener.
    flow.socket.connect(port, address, () => {
      for (const query of flow.waiting ?? []) flow.socket.send(query);
      flow.waiting = undefined;
    });
    flow.socket.on('message', (message) => {
      if (message.length >= 2) this.#answer(flow, message.readUInt16BE(0), message);
    });
    flow.socket.on('error', () => this.#end(flow));
    return flow;
  }

  #answer(flow: Flow, id: number, message: Buffer): void {
    const query = flow.open.get(id);
    if (!query) return;
    flow.open.delete(id);
    clearTimeout(query.timer);
    if (message.length > 0) message.writeUInt16BE(query.id, 0);
    query.done(message);
    if (flow !== this.#flow) this.#retire(flow);
  }

  /** The socket is closed when its last answer has arrived. */
  #retire(flow: Flow): void {
    if (flow.open.size === 0) this.#end(flow);
  }

  #end(flow: Flow): void {
    if (flow.isOver) return;
    flow.isOver = true;
    for (const id of [...flow.open.keys()]) this.#answer(flow, id, NONE);
    flow.socket.close();
  }
}
