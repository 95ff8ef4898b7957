import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import { closeDirectory, inOwnRoot } from './own-root.ts';
import type { RootEntry } from './own-root.ts';

const isRoot = process.getuid?.() === 0;
const namespaces = (): string[] => ['mnt', 'pid', 'ipc', 'uts', 'net'].map((name) => readlinkSync(`/proc/thread-self/ns/${name}`));

(isRoot ? describe : describe.skip)('inOwnRoot (root)', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'own-root-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const system: RootEntry[] = [
    ...['/usr', '/bin', '/lib', '/lib64'].map((path): RootEntry => ({ kind: 'directory', path, access: 'read' })),
    { kind: 'device', path: '/dev/null' }, // Node opens it in the child
  ];

  /** Output of a shell script in a new root with these entries. */
  async function output(entries: readonly RootEntry[], script: string): Promise<string> {
    const file = join(directory, 'output');
    const out = openSync(file, 'w');
    const whenReady = `while [ -e /.proc ] || ! [ -e /proc/self ]; do :; done; ${script}`;
    const child = inOwnRoot({ entries, user: 0 }, linuxKernel, () =>
      spawn('/bin/sh', ['-c', whenReady], { stdio: ['ignore', out, out], cwd: '/', env: {} }),
    );
    closeSync(out);
    await once(child, 'exit');
    return readFileSync(file, 'utf8');
  }

  it('contains only its entries', async () => {
    writeFileSync(join(directory, 'read'), 'r');
    writeFileSync(join(directory, 'write'), 'w');
    const entries: RootEntry[] = [
      ...system,
      { kind: 'file', path: join(directory, 'read'), access: 'read' },
      { kind: 'file', path: join(directory, 'write'), access: 'write' },
      { kind: 'file', path: join(directory, 'missing'), access: 'read' },
    ];
    const script = `cd ${directory}; echo * ; echo x >read; echo y >write; cat read write; echo made >made; echo z >/dev/null; echo /* /dev/* $$`;
    const text = await output(entries, script);
    const lines = text.split('\n').map((line) => line.replace(/^\/bin\/sh: \d+: /, ''));
    assert.deepEqual(lines, [
      'read write',
      'cannot create read: Read-only file system',
      'ry',
      'cannot create made: Read-only file system',
      `/bin /dev /lib /lib64 /proc /${directory.split('/')[1]} /usr /dev/null 1`,
      '',
    ]);
  });

  it('closes a directory to the process that has written to it', async () => {
    const made = join(directory, 'made');
    const entries: RootEntry[] = [...system, { kind: 'directory', path: directory, access: 'write' }];
    const script = `exec 2>&1; echo x >${made}; echo made; read -r line; echo y >${directory}/later; cat ${made}`;
    const child = inOwnRoot({ entries, user: 0 }, linuxKernel, () =>
      spawn('/bin/sh', ['-c', script], { stdio: 'pipe', cwd: '/', env: {} }),
    );
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await once(child.stdout, 'data');
    const identity = identifyProcess(child.pid ?? 0);
    assert.ok(identity);
    const [before, cwd] = [namespaces(), process.cwd()];
    closeDirectory(directory, identity, linuxKernel);
    assert.deepEqual([namespaces(), process.cwd()], [before, cwd]);
    child.stdin.end('\n');
    await once(child, 'close');
    assert.match(output, /^made\n\/bin\/sh: 1: cannot create \S+\/later: Read-only file system\nx\n$/);
    writeFileSync(join(directory, 'later'), 'the host can');
  });

  it('shows only its own process in /proc', async () =>
    assert.match(await output(system, 'cd /proc; echo *; ls self/fd'), /^(\d+) self\n0\n1\n2\n/));

  it('has /proc/self from the start', () => {
    const file = join(directory, 'output');
    const out = openSync(file, 'w');
    const pause = new Int32Array(new SharedArrayBuffer(4));
    const child = inOwnRoot({ entries: system, user: 0 }, linuxKernel, () => {
      const args = ['-c', 'readlink /proc/self/exe; cat'];
      const started = spawn('/bin/sh', args, { stdio: ['pipe', out, out], cwd: '/', env: {} });
      for (const end = Date.now() + 10_000; fstatSync(out).size === 0 && Date.now() < end;) Atomics.wait(pause, 0, 0, 5);
      return started;
    });
    child.kill('SIGKILL');
    closeSync(out);
    assert.match(readFileSync(file, 'utf8'), /^\/\S+\n$/);
  });

  it('does not change namespaces and directory of the caller', async () => {
    const [before, cwd, entries] = [namespaces(), process.cwd(), readdirSync('/')];
    await output(system, 'true');
    assert.deepEqual([namespaces(), process.cwd(), readdirSync('/')], [before, cwd, entries]);
  });

  for (const [call, step] of [
    ['unshare', 'before the namespaces'],
    ['pivotRoot', 'in the new root'],
  ] as const)
    it(`reports its own error when ${call} fails, ${step}`, () => {
      const before = namespaces();
      const kernel = {
        ...linuxKernel,
        [call]: () => {
          throw new Error(`no ${call}`);
        },
      };
      assert.throws(
        () => inOwnRoot({ entries: system, user: 0 }, kernel, () => assert.fail('started')),
        new RegExp(`^KataError: QEMU cannot have a root directory .*\\(no ${call}\\); set qemu_own_root = false in `),
      );
      assert.deepEqual(namespaces(), before);
    });

  it('does not change namespaces of the caller after a failed start', () => {
    const before = namespaces();
    assert.throws(
      () =>
        inOwnRoot({ entries: system, user: 0 }, linuxKernel, () => {
          throw new Error('no');
        }),
      /^Error: no$/,
    );
    assert.deepEqual([namespaces(), existsSync('/.proc')], [before, false]);
  });
});
