/** Sends queries by TCP, one connection for each query, for answers that do not fit into a packet. */
import { createConnection } from 'node:net';
import { TcpMessages, encodeTcpMessage } from '@kata-containers/common/dns/tcp-messages';
import type { ResolverAddress } from './udp-resolver.ts';

const ANSWER_TIMEOUT_MS = 20_000;

/** `done` is called once, with an empty message if no answer arrives. */
export function askByTcp({ address, port }: ResolverAddress, query: Buffer, done: (answer: Buffer) => void): void {
  const messages = new TcpMessages();
  let answer: Buffer = Buffer.alloc(0);
  const socket = createConnection({ host: address, port, timeout: ANSWER_TIMEOUT_MS });
  const timer = setTimeout(() => socket.destroy(), ANSWER_TIMEOUT_MS);
  timer.unref();
  socket.write(encodeTcpMessage(query));
  socket.on('data', (piece) => {
    const [first] = messages.push(piece as Buffer);
    if (!first) return;
    answer = first;
    socket.destroy();
  });
  socket.on('end', () => socket.destroy());
  socket.on('error', () => {}); // followed by 'close'
  socket.on('close', () => {
    clearTimeout(timer);
    done(answer);
  });
}
