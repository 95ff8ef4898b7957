import assert from 'node:assert/strict';
import { parseRoutes } from '../network/parse-links.ts';
import { routesRequest } from './sandbox-requests.ts';

describe('routesRequest', () => {
  it("has the routes that 1.x's agent does not know in a field of their own", () => {
    const via = { family: 'inet6', host: 'fe80::1' };
    const rows = [
      { dst: '10.1.0.0/16', gateway: '10.0.0.1', dev: 'eth0' },
      { dst: 'default', via, dev: 'eth0' },
    ];
    const routes = [
      ...parseRoutes(rows, 'inet', new Set(['eth0'])),
      ...parseRoutes([{ dst: 'default', gateway: 'fe80::1', dev: 'eth0' }], 'inet6', new Set(['eth0'])),
    ];
    const { Routes, Multipath } = routesRequest(routes, []);
    assert.deepEqual(
      [Routes, Multipath].map((list) => list.map(({ dest, gateway }) => [dest, gateway])),
      [
        [
          ['10.1.0.0/16', '10.0.0.1'],
          ['', 'fe80::1'],
        ],
        [['0.0.0.0/0', 'fe80::1']],
      ],
    );
  });
  it('keeps the order of routes with the same destination and metric', () => {
    const via = { family: 'inet6', host: 'fe80::1' };
    const rows = [
      { dst: 'default', gateway: '10.0.0.1', dev: 'eth0' },
      { dst: 'default', via, dev: 'eth0' },
      { dst: 'default', gateway: '10.0.0.1', dev: 'eth0', metric: 5 },
    ];
    const { Routes, Multipath } = routesRequest(parseRoutes(rows, 'inet', new Set(['eth0'])), []);
    assert.deepEqual(
      [Routes, Multipath].map((list) => list.map(({ gateway, priority }) => [gateway, priority])),
      [
        [['10.0.0.1', 5]],
        [
          ['10.0.0.1', 0],
          ['fe80::1', 0],
        ],
      ],
    );
  });
});
