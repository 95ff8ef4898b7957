import assert from 'node:assert/strict';
import { deniedCall } from './parse-seccomp-record.ts';

const record = (exe: string, call: number): string =>
  `5,812,14502490253,-;audit: type=1326 audit(1795844178.572:2): auid=4294967295 uid=0 gid=0 ses=4294967295 pid=26193 comm="qemu" exe="${exe}" sig=31 arch=c000003e syscall=${call} compat=0 ip=0x7fdaef42cc23 code=0x80000000\n`;

describe('record of a seccomp violation', () => {
  const cases: [name: string, record: string, call: string | undefined][] = [
    ['a call that has a name', record('/usr/bin/qemu', 56), 'clone'],
    ['a call without', record('/usr/bin/qemu', 9999), 'number 9999'],
    ['of another program', record('/usr/bin/qemu2', 56), undefined],
    ['of another kind', '6,1,2,-;audit: type=1327 audit(1.2:2): exe="/usr/bin/qemu" syscall=56 x', undefined],
  ];
  const processes: [name: string, pid: number, startTime: string, call: string | undefined][] = [
    ['of a process', 26193, '1450000', 'clone'],
    ['of another process', 26194, '1450000', undefined],
    ['of an earlier process with the same pid', 26193, '1450300', undefined],
  ];
  for (const [name, pid, startTime, call] of processes)
    it(name, () => assert.equal(deniedCall(record('/usr/bin/qemu', 56), { pid, startTime }), call));
  for (const [name, text, call] of cases) it(name, () => assert.equal(deniedCall(text, '/usr/bin/qemu'), call));
});
