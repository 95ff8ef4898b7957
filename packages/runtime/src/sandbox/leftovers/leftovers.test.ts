import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeEmptyTree } from './left-shares.ts';
import { cacheIsUsed, userOf } from './sandbox-users.ts';
import { vmIdOf } from './vm-processes.ts';

const process_ = (line: string): { pid: number; args: string[] } => ({ pid: 7, args: line.split(' ') });

describe('users of a sandbox', () => {
  const cases: [line: string, isUser: boolean][] = [
    ['containerd-shim-runc-v2 -namespace moby -id abc', true],
    ['conmon -c abc -u abc', true],
    ['node --no-warnings /usr/bin/kata-runtime create --bundle /b abc', true],
    ['kata-shim -agent unix:///s -container abc -exec-id e', true],
    ['kata-proxy -listen-socket unix:///run/vc/sbs/abc/proxy.sock -sandbox abc', false],
    ['qemu -name sandbox-abc', false],
    ['less abcd', false],
  ];
  for (const [line, isUser] of cases) it(line, () => assert.equal(userOf([process_(line)], ['abc', 'def']) !== undefined, isUser));
});

describe('users of the VM cache', () => {
  const cases: [line: string, isUsed: boolean][] = [
    ['node --no-warnings /usr/bin/kata-runtime factory init', true],
    ['/opt/kata/bin/kata-runtime create abc', true],
    ['kata-runtime kata-gc', false],
    ['make create', false],
  ];
  for (const [line, isUsed] of cases) it(line, () => assert.equal(cacheIsUsed([process_(line)]), isUsed));
});

describe('vmIdOf', () => {
  const monitor = '-qmp unix:/run/vc/vm/abc/qmp.sock,server=on,wait=off';
  const cases: [line: string, id: string | undefined][] = [
    [`qemu -name sandbox-abc,debug-threads=on ${monitor}`, 'abc'],
    [`qemu -name sandbox-abc ${monitor.replace('abc', 'cache-1')}`, 'cache-1'],
    [`qemu -name sandbox-template-1 ${monitor.replace('abc', 'template/1')}`, undefined],
    [`qemu -name else ${monitor}`, undefined],
    ['socat - unix:/run/vc/vm/abc/qmp.sock', undefined],
  ];
  for (const [line, id] of cases) it(line, () => assert.equal(vmIdOf(line.split(' ')), id));
});

describe('removeEmptyTree', () => {
  let top = '';
  beforeEach(() => {
    top = mkdtempSync(join(tmpdir(), 'kata-left-'));
    mkdirSync(join(top, 'share/mounts/id'), { recursive: true });
    writeFileSync(join(top, 'share/mounts/file'), '');
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('removes directories and empty files', () => {
    removeEmptyTree(join(top, 'share'));
    assert.equal(existsSync(join(top, 'share')), false);
  });

  it('keeps a file with content and its directory', () => {
    writeFileSync(join(top, 'share/mounts/id/data'), 'x');
    assert.throws(() => removeEmptyTree(join(top, 'share')), /data is not an empty file/);
    assert.ok(existsSync(join(top, 'share/mounts/id/data')));
  });

  it('does not follow links', () => {
    mkdirSync(join(top, 'elsewhere/kept'), { recursive: true });
    symlinkSync(join(top, 'elsewhere'), join(top, 'share/link'));
    assert.throws(() => removeEmptyTree(join(top, 'share')), /link is not an empty file/);
    assert.ok(existsSync(join(top, 'elsewhere/kept')));
  });
});
