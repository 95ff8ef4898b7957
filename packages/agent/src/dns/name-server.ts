/**
 * The guest's end of docker's resolver: forwards DNS queries on 127.0.0.11 to a relay on the host (docs/wire/dns-relay.md). Queries wait
 * until the relay has connected.
 */
import { createSocket } from 'node:dgram';
import type { Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { DNS_PORT, DOCKER_RESOLVER, DnsFrameReader, encodeDnsFrame } from '@kata-containers/common/dns/dns-relay';
import type { DnsTransport } from '@kata-containers/common/dns/dns-relay';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { OpenQueries } from './open-queries.ts';
import type { SendReply } from './open-queries.ts';
import { TcpMessages, encodeTcpMessage } from '@kata-containers/common/dns/tcp-messages';

/** Frames kept until a relay connects. */
const MAX_WAITING = 256;
const MAX_CONNECTIONS = 128;
/** A TCP client without a query for this time is disconnected (RFC 7766, section 6.2.3). */
const IDLE_MS = 30_000;

export interface NameServerAddress {
  readonly address: string;
  readonly port: number;
}

/** A refused query: no answer by UDP, the end of the connection by TCP. */
const NONE = Buffer.alloc(0);

const DOCKER: NameServerAddress = { address: DOCKER_RESOLVER, port: DNS_PORT };

export class NameServer {
  readonly #queries = new OpenQueries(monotonicMs);
  readonly #log: Logger;
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  #waiting: Buffer[] = [];
  #relay: Duplex | undefined;

  private constructor(log: Logger) {
    this.#log = log;
    this.#udp = createSocket('udp4', (message, { address, port }) =>
      this.#ask('udp', message, (answer) => {
        if (answer.length > 0) this.#udp.send(answer, port, address);
      }),
    );
    this.#tcp = createServer({ allowHalfOpen: true }, (client) => this.#serveTcp(client));
    this.#tcp.maxConnections = MAX_CONNECTIONS;
    for (const server of [this.#udp, this.#tcp])
      server.on('error', (error: Error) => log.warn('the name server of the guest failed', { reason: errorMessage(error) }));
  }

  /** @throws Error when the address is in use */
  static async start(log: Logger, { address, port } = DOCKER): Promise<NameServer> {
    const server = new NameServer(log);
    server.#udp.bind({ address, port, exclusive: true });
    server.#tcp.listen({ host: address, port, exclusive: true });
    await Promise.all([once(server.#udp, 'listening'), once(server.#tcp, 'listening')]);
    return server;
  }

  /** `stream` is the stream of a relay, after the preface. A new relay replaces the previous relay. */
  connect(stream: Duplex): void {
    const reader = new DnsFrameReader();
    this.#relay?.destroy();
    this.#relay = stream;
    stream.on('data', (piece: Buffer) => {
      for (const { token, message } of reader.push(piece)) this.#queries.answer(token, message);
    });
    stream.on('close', () => {
      if (this.#relay === stream) this.#relay = undefined;
    });
    for (const frame of this.#waiting) stream.write(frame);
    this.#waiting = [];
  }

  close(): void {
    this.#relay?.destroy();
    this.#udp.close();
    this.#tcp.close();
  }

  #ask(transport: DnsTransport, message: Buffer, reply: SendReply): void {
    const isAccepted = this.#relay !== undefined || this.#waiting.length < MAX_WAITING;
    const token = isAccepted ? this.#queries.add(reply) : undefined;
    if (token === undefined) return reply(NONE);
    const frame = encodeDnsFrame({ token, transport, message });
    if (this.#relay) this.#relay.write(frame);
    else this.#waiting.push(frame);
  }

  /** A client may close its sending side before it has received its answers, as `nc` does. */
  #serveTcp(client: Socket): void {
    const messages = new TcpMessages();
    let unanswered = 0;
    const onAnswer = (answer: Buffer): void => {
      unanswered--;
      if (answer.length === 0) return void client.destroy();
      client.write(encodeTcpMessage(answer));
      if (client.readableEnded && unanswered === 0) client.end();
    };
    client.setTimeout(IDLE_MS, () => client.destroy());
    client.on('error', (error) => this.#log.debug('the connection of a DNS client failed', { reason: errorMessage(error) }));
    client.on('data', (piece: Buffer) => {
      for (const message of messages.push(piece)) {
        unanswered++;
        this.#ask('tcp', message, onAnswer);
      }
    });
    client.on('end', () => {
      if (unanswered === 0) client.end();
    });
  }
}
