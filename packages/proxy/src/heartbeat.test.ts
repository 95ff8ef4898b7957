import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { startHeartbeat } from './heartbeat.ts';

describe('startHeartbeat', () => {
  let now = 0;
  let pings: number[] = [];
  let traffic: (() => void) | undefined;
  let stop: () => void;
  let congested = false;

  function pass(seconds: number): void {
    for (let second = 0; second < seconds; second++) {
      now++;
      mock.timers.tick(1000);
    }
  }
  /** A frame of a stream. */
  function use(): void {
    const notify = traffic;
    traffic = undefined;
    notify?.();
  }

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    [now, pings, traffic, congested] = [0, [], undefined, false];
    stop = startHeartbeat({
      get congested() {
        return congested;
      },
      ping: () => Promise.resolve(pings.push(now)),
      onceTraffic: (notify) => (traffic = notify),
    });
  });
  afterEach(() => {
    stop();
    mock.timers.reset();
  });

  it('pings each second while streams are used', () => {
    for (let second = 0; second < 5; second++) {
      pass(1);
      use();
    }
    assert.deepEqual(pings, [1, 2, 3, 4, 5]);
  });
  it('pings less and less often without traffic, but at least each 32 seconds', () => {
    pass(130);
    assert.deepEqual(pings, [1, 2, 4, 8, 16, 32, 64, 96, 128]);
  });
  it('pings one second after the first traffic again', () => {
    pass(70);
    use();
    pass(2);
    assert.deepEqual(pings.slice(-3), [64, 71, 72]);
  });
  it('does not ping while the connection is full, and pings afterwards', () => {
    congested = true;
    pass(3);
    congested = false;
    pass(5);
    assert.deepEqual(pings, [4, 8]);
  });
  it('stops', () => {
    stop();
    pass(10);
    assert.deepEqual(pings, []);
  });
});
