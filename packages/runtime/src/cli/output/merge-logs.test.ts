import assert from 'node:assert/strict';
import { mergeLogs } from './merge-logs.ts';

const at = (seconds: number): string => `2026-01-01T00:00:0${seconds}.000Z`;

describe('mergeLogs', () => {
  it('orders lines by time and keeps lines without a time after their predecessor', () => {
    const proxy = { name: 'proxy', startedMs: 0, text: `time="${at(1)}" level=info msg=a\ncontinued\ntime="${at(4)}" level=error msg=b\n` };
    const qemu = { name: 'qemu', startedMs: Date.parse(at(2)), text: 'qemu: terminating on signal 15\n\n' };
    const journal = { name: 'journal', startedMs: 0, text: `${at(3)} kata-shim: lost\n` };
    assert.deepEqual(mergeLogs([proxy, qemu, journal]).split('\n'), [
      `${at(1)} proxy   level=info msg=a`,
      `${at(1)} proxy   continued`,
      `${at(2)} qemu    qemu: terminating on signal 15`,
      `${at(3)} journal ${at(3)} kata-shim: lost`,
      `${at(4)} proxy   level=error msg=b`,
      '',
    ]);
  });
  it('removes escape sequences', () => assert.ok(!mergeLogs([{ name: 'q', startedMs: 0, text: '\u001b[2Jx' }]).includes('\u001b')));
  it('returns nothing without logs', () => assert.equal(mergeLogs([]), ''));
});
