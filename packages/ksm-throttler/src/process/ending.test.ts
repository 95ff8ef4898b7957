import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { ending } from './ending.ts';

describe('the end of a daemon', () => {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])
    it(`follows ${signal}`, async () => {
      const daemon = new EventEmitter();
      const ended = ending(daemon);
      daemon.emit(signal);
      assert.equal(await ended, signal);
    });
  for (const event of ['uncaughtException', 'unhandledRejection'])
    it(`follows an error: ${event}`, async () => {
      const daemon = new EventEmitter();
      const ended = ending(daemon);
      daemon.emit(event, new Error('a bug'));
      await assert.rejects(ended, /a bug/);
    });
});
