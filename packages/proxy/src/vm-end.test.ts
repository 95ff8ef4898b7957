import assert from 'node:assert/strict';
import { endText } from './vm-end.ts';

describe('endText', () => {
  const cases: [name: string, log: string, killed: boolean, text: RegExp][] = [
    ['an OOM kill', 'qemu: terminating on signal 15\n', true, /^QEMU was OOM-killed by the host: /],
    [
      'a signal and its sender',
      'x\nqemu-system-x86_64: terminating on signal 15 from pid 77 (kill)\n',
      false,
      /^QEMU ended by signal 15 from pid 77 \(kill\)$/,
    ],
    ['a signal alone', 'qemu: terminating on signal 2\n', false, /^QEMU ended by signal 2$/],
    [
      'an error of QEMU',
      "qemu: cannot set up guest memory 'pc.ram'\n",
      false,
      /^last line of qemu\.log: qemu: cannot set up guest memory 'pc\.ram'$/,
    ],
    ['an empty log', '', false, /^QEMU was killed \(SIGKILL\), crashed, or the guest shut down; /],
    ['a line that moves the cursor', '\u001b[2Jx', false, /^last line of qemu\.log: \?\[2Jx$/],
  ];
  for (const [name, log, killed, text] of cases) it(name, () => assert.match(endText(log, killed), text));
});
