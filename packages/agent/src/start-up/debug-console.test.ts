import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createLogger } from '@kata-containers/common/logging/logger';
import { serveDebugConsole } from './debug-console.ts';

describe('debug console', () => {
  it('is a shell on the console, which is restarted when it exits', async () => {
    const stop = new AbortController();
    const started: string[] = [];
    const spawn = (program: string, args: readonly string[], { stdio }: { stdio?: unknown }): never => {
      started.push([program, ...args, Array.isArray(stdio) ? stdio.length : 0].join(' '));
      if (started.length === 3) stop.abort();
      const child = new EventEmitter();
      setImmediate(() => child.emit('exit', 0));
      return child as never;
    };
    const log = createLogger({ format: 'text', level: 'error', write: () => {}, precision: 'seconds', fields: {} });
    await serveDebugConsole({ spawn }, log, { console: '/dev/null', pauseMs: 1, signal: stop.signal });
    assert.deepEqual(started, Array(3).fill('busybox setsid -c sh 3'));
  });
});
