import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { DnsFrameReader } from '@kata-containers/common/dns/dns-relay';
import { encodeTcpMessage } from '@kata-containers/common/dns/tcp-messages';
import { silentLogger } from '@kata-containers/common/logging/logger';
import { NameServer } from './name-server.ts';

describe('NameServer', () => {
  /** A port of the loopback below those that the kernel chooses. */
  const ADDRESS = { address: '127.0.0.1', port: 20_000 + (process.pid % 10_000) };
  let server: NameServer;
  beforeEach(async () => (server = await NameServer.start(silentLogger, ADDRESS)));
  afterEach(() => server.close());

  const cases: [name: string, hasRelay: boolean, held: number][] = [
    ['a relay that does not answer', true, 1024],
    ['no relay', false, 256],
  ];
  for (const [name, hasRelay, held] of cases)
    it(`with ${name}, ${held} queries are held, and the next one ends its connection`, async () => {
      const reader = new DnsFrameReader();
      let frames = 0;
      const write = (piece: Buffer, _: unknown, done: () => void): void => {
        frames += reader.push(piece).length;
        done();
      };
      const relay = new Duplex({ read: () => {}, write });
      if (hasRelay) server.connect(relay);
      const client = connect(ADDRESS.port, ADDRESS.address);
      client.on('error', () => {}).resume();
      const closed = once(client, 'close');
      client.write(Buffer.concat(Array.from({ length: held + 1 }, () => encodeTcpMessage(Buffer.from('query')))));
      await closed;
      if (!hasRelay) server.connect(relay);
      assert.equal(frames, held);
    });
});
