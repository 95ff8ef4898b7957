import assert from 'node:assert/strict';
import type { QemuExit } from './qemu-exit.ts';
import { endText } from './vm-end.ts';

describe('endText', () => {
  interface Case {
    readonly log?: string;
    readonly exit?: QemuExit;
    readonly killedForMemory?: boolean;
    readonly text: RegExp;
  }
  const cases: Readonly<Record<string, Case>> = {
    'an OOM kill': { log: 'qemu: terminating on signal 15\n', killedForMemory: true, text: /^QEMU was OOM-killed by the host: / },
    'an OOM kill by its status': { exit: 9, killedForMemory: true, text: /^QEMU was OOM-killed by the host: / },
    'an OOM kill of another process': { exit: 0x100, killedForMemory: true, text: /^QEMU exited with code 1$/ },
    'a signal and its sender': {
      log: 'x\nqemu-system-x86_64: terminating on signal 15 from pid 77 (kill)\n',
      exit: 0,
      text: /^QEMU ended by signal 15 from pid 77 \(kill\)$/,
    },
    'a signal alone': { log: 'qemu: terminating on signal 2\n', text: /^QEMU ended by signal 2$/ },
    SIGKILL: { exit: 9, text: /^QEMU was killed by signal 9 \(SIGKILL\)$/ },
    'a crash': {
      log: 'a warning\n',
      exit: 0x80 | 11,
      text: /^QEMU was killed by signal 11 \(SIGSEGV, core dumped\); last line of qemu\.log: a warning$/,
    },
    'an error of QEMU': {
      log: "qemu: cannot set up guest memory 'pc.ram'\n",
      exit: 0x100,
      text: /^QEMU exited with code 1; last line of qemu\.log: qemu: cannot set up guest memory 'pc\.ram'$/,
    },
    'the end of the guest': { exit: 0, text: /^QEMU exited with code 0: the guest shut down$/ },
    'a QEMU that is running': { exit: 'pending', text: /^QEMU is still running: the guest closed the connection, or broke the protocol$/ },
    'a kernel without exit status': { text: /: cause unknown, because the kernel is older than Linux 6\.15; / },
    'a kernel without exit status, and a log': { log: 'an error\n', text: /^last line of qemu\.log: an error$/ },
    'a line that moves the cursor': { log: '\u001b[2Jx', text: /^last line of qemu\.log: \?\[2Jx$/ },
  };
  for (const [name, { log = '', exit = 'unknown', killedForMemory = false, text }] of Object.entries(cases))
    it(name, () => assert.match(endText({ log, exit, killedForMemory }), text));
});
