import assert from 'node:assert/strict';
import { parseDaemonRecord } from './parse-daemon-record.ts';

const sound = {
  initial: { run: '0', pages_to_scan: '100', sleep_millisecs: '20', advisor_mode: 'none' },
  pid: 7,
  startTime: '99',
  mode: 'slow',
};

describe('the record of a daemon', () => {
  it('is read back', () => assert.deepEqual(parseDaemonRecord(JSON.stringify(sound)), sound));
  const damaged: [name: string, text: string][] = [
    ['empty', ''],
    ['truncated', JSON.stringify(sound).slice(0, -1)],
    ['null', 'null'],
    ['a list', '[]'],
    ['no values', JSON.stringify({ ...sound, initial: undefined })],
    ['a value missing', JSON.stringify({ ...sound, initial: { run: '0', pages_to_scan: '100' } })],
    ['a value that is not a number', JSON.stringify({ ...sound, initial: { ...sound.initial, run: '1; reboot' } })],
    ['an advisor that is not a string', JSON.stringify({ ...sound, initial: { ...sound.initial, advisor_mode: '../x' } })],
    ['no pid', JSON.stringify({ ...sound, pid: 'x' })],
  ];
  for (const [name, text] of damaged) it(`is ignored when damaged: ${name}`, () => assert.equal(parseDaemonRecord(text), undefined));
});
