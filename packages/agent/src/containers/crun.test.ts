import assert from 'node:assert/strict';
import { lastMessage, runcWording } from './crun.ts';

describe('runcWording', () => {
  const cases: [message: string, wording: string][] = [
    ['executable file `foo` not found in $PATH: No such file or directory', 'exec: "foo": executable file not found in $PATH'],
    ['executable file `/nope` not found: No such file or directory', 'exec: "/nope": executable file not found in $PATH'],
    ['open executable: Permission denied', 'exec: "": permission denied'],
    ['cannot set memory limit', 'cannot set memory limit'],
  ];
  for (const [message, wording] of cases) it(message, () => assert.equal(runcWording(message), wording));
});

describe('lastMessage', () => {
  it('is the message of the last object', () => assert.equal(lastMessage('{"msg":"a"}\n{"msg":"b","level":"error"}\n'), 'b'));
  it('garbage is passed over', () => assert.equal(lastMessage('no json\n{"level":1}'), ''));
});
