/**
 * Relays DNS for the guest: receives queries from the agent's name server over kata-proxy's socket and sends them to 127.0.0.11 in this
 * process's network namespace, which is the container's (docs/wire/dns-relay.md). The guest is hostile: messages that are not DNS
 * queries, and queries over the limit, get an empty answer.
 */
import type { Duplex } from 'node:stream';
import { DNS_PORT, DNS_RELAY_PREFACE, DOCKER_RESOLVER, DnsFrameReader, encodeDnsFrame } from '@kata-containers/common/dns/dns-relay';
import type { DnsFrame } from '@kata-containers/common/dns/dns-relay';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import { monotonicMs } from '@kata-containers/common/process/monotonic-clock';
import { isQuery } from './parse-query.ts';
import { QueryBudget } from './query-budget.ts';
import { askByTcp } from './tcp-resolver.ts';
import { UdpResolver } from './udp-resolver.ts';
import type { ResolverAddress } from './udp-resolver.ts';

/** Longest query by UDP: a name with EDNS options. */
const MAX_UDP_QUERY = 4096;
/** Most bytes of answers that the guest has not read; further answers are dropped. */
const MAX_UNREAD = 1 << 20;

const DOCKER: ResolverAddress = { address: DOCKER_RESOLVER, port: DNS_PORT };
const NONE = Buffer.alloc(0);

/**
 * `socket`: an unused connection to kata-proxy. Relays until the connection ends: with the sandbox, or because the guest's agent does not
 * support the relay.
 */
export function relayDns(socket: Duplex, log: Logger, resolver: ResolverAddress = DOCKER): void {
  const reader = new DnsFrameReader();
  const budget = new QueryBudget(monotonicMs);
  const udp = new UdpResolver(resolver, monotonicMs);
  const answer = (frame: DnsFrame, message: Buffer): void => {
    if (!socket.destroyed && socket.writableLength < MAX_UNREAD) socket.write(encodeDnsFrame({ ...frame, message }));
  };
  const onQuery = (frame: DnsFrame): void => {
    const { message, transport } = frame;
    if (!isQuery(message) || (transport === 'udp' && message.length > MAX_UDP_QUERY) || !budget.take()) return answer(frame, NONE);
    const done = (found: Buffer): void => {
      budget.release();
      answer(frame, found);
    };
    if (transport === 'udp') udp.ask(message, done);
    else askByTcp(resolver, message, done);
  };
  const queriesIn = (piece: Buffer): DnsFrame[] => {
    try {
      return reader.push(piece);
    } catch (error) {
      log.warn("the guest's agent does not relay DNS: docker's names are not resolved", { reason: errorMessage(error) });
      socket.destroy();
      return [];
    }
  };
  socket.write(DNS_RELAY_PREFACE);
  socket.on('data', (piece) => {
    queriesIn(piece as Buffer).forEach(onQuery);
  });
  socket.on('end', () => socket.destroy());
  socket.on('close', () => udp.close());
}
