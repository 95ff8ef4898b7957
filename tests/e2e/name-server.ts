/** A name server outside of docker's networks: answers names that end in "outside.example" with a fixed address. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';

/** Of what it answers (RFC 5737). */
export const OUTSIDE_ADDRESS = '192.0.2.53';

/** Answer to a query with one question: an A record, or an empty answer. */
function answer(query: Buffer): Buffer {
  let end = 12;
  while ((query[end] ?? 0) !== 0) end += 1 + (query[end] ?? 0);
  end += 5;
  const name = query.toString('latin1', 12, end - 5);
  const isKnown = name.endsWith('outside\x07example') && query.readUInt16BE(end - 4) === 1;
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(name.endsWith('outside\x07example') ? 0x8180 : 0x8183, 2);
  for (const [offset, count] of [
    [6, isKnown ? 1 : 0],
    [8, 0],
    [10, 0],
  ] as const)
    header.writeUInt16BE(count, offset);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...OUTSIDE_ADDRESS.split('.').map(Number)]);
  return Buffer.concat([header, query.subarray(12, end), ...(isKnown ? [record] : [])]);
}

function serve(address: string): void {
  const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4', (query, { address: from, port }) => udp.send(answer(query), port, from));
  const tcp = createServer((client) => {
    client.on('error', () => {});
    client.on('data', (bytes: Buffer) => {
      const message = answer(bytes.subarray(2));
      const length = Buffer.alloc(2);
      length.writeUInt16BE(message.length);
      client.write(Buffer.concat([length, message]));
    });
  });
  udp.bind(53, address);
  tcp.listen(53, address, () => console.log('ready'));
}

/** Starts it on `address` in the network namespace of process `pid`. End it by `kill`. */
export async function startNameServer(pid: number, address: string): Promise<ChildProcess> {
  const args = [`--net=/proc/${pid}/ns/net`, process.execPath, '--no-warnings', import.meta.filename, address];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return child;
}

if (import.meta.main) serve(process.argv[2] ?? '');
