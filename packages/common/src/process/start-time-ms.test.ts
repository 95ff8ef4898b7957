import assert from 'node:assert/strict';
import { identifyProcess } from './process-identity.ts';
import { startTimeMs } from './start-time-ms.ts';

describe('startTimeMs', () => {
  it('is the start time of this process, to a second', () => {
    const own = identifyProcess(process.pid);
    const began = Date.now() - process.uptime() * 1000;
    assert.ok(own && Math.abs((startTimeMs(own) ?? 0) - began) < 2000);
  });
});
