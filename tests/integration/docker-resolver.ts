/** A fake of docker's resolver: DNS on 127.0.0.11, UDP and TCP. The test's cell has its own loopback device. */
import { createSocket } from 'node:dgram';
import type { Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { TcpMessages, encodeTcpMessage } from '../../packages/common/src/dns/tcp-messages.ts';

const ADDRESS = '127.0.0.11';
const PORT = 53;

/** A query for the A records of `name`, which is one label. */
export function query(id: number, name: string): Buffer {
  const header = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, name.length]);
  header.writeUInt16BE(id, 0);
  return Buffer.concat([header, Buffer.from(name), Buffer.from([0, 0, 1, 0, 1])]);
}

/** The query as a response, followed by the text in place of records. */
export function response(message: Buffer, text: string): Buffer {
  const answer = Buffer.concat([message, Buffer.from(text)]);
  answer.writeUInt16BE(0x8180, 2);
  return answer;
}

export const nameOf = (message: Buffer): string => message.toString('latin1', 13, 13 + (message[12] ?? 0));

/** Answers every query with its transport as text, except names that begin with "silent". */
export class DockerResolver {
  /** All queries that have arrived. */
  readonly seen: { readonly transport: 'udp' | 'tcp'; readonly message: Buffer; readonly port: number }[] = [];
  readonly #udp: Socket;
  readonly #tcp: Server;

  private constructor() {
    this.#udp = createSocket('udp4', (message, { address, port }) => {
      this.seen.push({ transport: 'udp', message, port });
      if (!nameOf(message).startsWith('silent')) this.#udp.send(response(message, 'udp'), port, address);
    });
    this.#tcp = createServer((client) => {
      const messages = new TcpMessages();
      client.on('error', () => {});
      client.on('data', (piece: Buffer) => {
        for (const message of messages.push(piece)) {
          this.seen.push({ transport: 'tcp', message, port: 0 });
          if (!nameOf(message).startsWith('silent')) client.write(encodeTcpMessage(response(message, 'x'.repeat(60_000))));
        }
      });
    });
  }

  static async start(): Promise<DockerResolver> {
    const resolver = new DockerResolver();
    resolver.#udp.bind(PORT, ADDRESS);
    resolver.#tcp.listen(PORT, ADDRESS);
    await Promise.all([once(resolver.#udp, 'listening'), once(resolver.#tcp, 'listening')]);
    return resolver;
  }

  stop(): void {
    this.#udp.close();
    this.#tcp.close();
  }
}
