import assert from 'node:assert/strict';
import { lastMessage, runcWording } from './crun.ts';

describe('runcWording', () => {
  const cases: [message: string, wording: string][] = [
    ['executable file `foo` not found in $PATH: No such file or directory', 'exec: "cmd": executable file not found in $PATH'],
    ['executable file `/nope` not found: No such file or directory', 'exec: "cmd": executable file not found in $PATH'],
    ['open executable: Permission denied', 'exec: "cmd": permission denied'],
    ['open executable: Operation not permitted', 'exec: "cmd": permission denied'],
    ['exec cmd: Exec format error', 'exec: "cmd": exec format error'],
    ['cannot set memory limit: Permission denied', 'cannot set memory limit: Permission denied'],
  ];
  for (const [message, wording] of cases) it(message, () => assert.equal(runcWording(message, 'cmd'), wording));
});

describe('lastMessage', () => {
  it('is the message of the last object', () => assert.equal(lastMessage('{"msg":"a"}\n{"msg":"b","level":"error"}\n'), 'b'));
  it('garbage is passed over', () => assert.equal(lastMessage('no json\n{"level":1}'), ''));
});
