import assert from 'node:assert/strict';
import { formatText } from '@kata-containers/common/logging/log-record';
import type { Fields } from '@kata-containers/common/logging/log-record';
import { parseLogLine } from './parse-log-line.ts';

const record = (message: string, fields: Fields): string =>
  formatText({ time: new Date(0), precision: 'nanoseconds', level: 'info', message, fields });
const console_ = (line: string): string => record(line, { name: 'kata-proxy', pid: 7, sandbox: 'id', source: 'agent' });

describe('parseLogLine', () => {
  const cases: [title: string, line: string, source: string, text: string][] = [
    ['names the process', record('a "b"', { name: 'kata-shim', pid: 7, source: 'shim' }), 'shim', 'level=info msg="a \\"b\\"" pid=7'],
    ['omits the id of the sandbox', record('a', { name: 'kata-proxy', sandbox: 'id', source: 'proxy' }), 'proxy', 'level=info msg=a'],
    [
      'unpacks a record of the agent',
      console_(record('new request', { name: 'kata-agent', pid: 1, request: '/a/B', source: 'agent' })),
      'agent',
      'level=info msg="new request" pid=1 request=/a/B',
    ],
    ['unpacks a line of the console', console_('[    0.0] Linux "6.1"\x7f'), 'console', '[    0.0] Linux "6.1"\x7f'],
    [
      'shows a record that a guest forges as a line of the console',
      console_(record('lost', { name: 'kata-proxy' })),
      'console',
      record('lost', { name: 'kata-proxy' }),
    ],
    ['keeps a line of another program', 'time=now: "x', 'qemu', 'time=now: "x'],
    ['keeps an empty value', 'level=info msg= name=kata-runtime', 'runtime', 'level=info msg='],
    ['keeps a record of an unknown program', 'level=info msg=a name=other', 'qemu', 'level=info msg=a'],
  ];
  for (const [title, line, source, text] of cases) it(title, () => assert.deepEqual(parseLogLine(line, 'qemu'), { source, text }));
});
