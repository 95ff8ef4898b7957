/** A program in place of QEMU that attacks the host: confined by default, and as a control without confinement. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { hostDisk } from '../support/host-disk.ts';
import { good, run } from '../support/run.ts';
import { schema } from '../../packages/runtime/src/configuration/schema.ts';
import { until } from '../support/until.ts';
import { RuntimeRig } from './runtime-rig.ts';

const SOURCE = join(import.meta.dirname, 'fakes/hostile-qemu.c');
const shipped = schema['hypervisor.qemu'].qemu_capabilities.default;
const OTHER = '/run/vc/vm/another-sandbox';
const ABSTRACT = 'kata-abstract';
const PORT = 4711;
/** Listens in a network namespace. */
const SERVER = `for (const at of ['\\0${ABSTRACT}', ${PORT}])
  require('node:net').createServer((peer) => peer.on('error', () => {}).end()).listen(at, () => console.log('listens'))`;

describe('a hostile QEMU', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  let listener: Server;
  let server: ChildProcess;
  let netns = '';
  /** Id of a segment of System V shared memory of the host. */
  let segment = '';
  const victim = spawn('sleep', ['1000']);
  beforeEach(async () => {
    rig = new RuntimeRig();
    netns = `kata-${rig.id}`;
    await good(run('ip', ['netns', 'add', netns]));
    await good(run('ip', ['-n', netns, 'link', 'set', 'lo', 'up']));
    server = spawn('ip', ['netns', 'exec', netns, process.execPath, '-e', SERVER], { stdio: ['ignore', 'pipe', 'inherit'] });
    let said = '';
    server.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('both listen', () => said.split('\n').length === 3);
    mkdirSync(OTHER, { recursive: true, mode: 0o700 });
    listener = createServer().listen(rig.scratch.file('docker.sock'));
  });
  afterEach(async () => {
    listener.close();
    rmSync(OTHER, { recursive: true });
    const ended = once(server, 'exit');
    server.kill();
    await ended;
    try {
      await rig.close();
    } finally {
      await good(run('ip', ['netns', 'delete', netns]));
    }
  });
  before(async () => (segment = /\d+/.exec(await good(run('ipcmk', ['--shmem', '4096'])))?.[0] ?? ''));
  after(async () => {
    victim.kill();
    await good(run('ipcrm', ['--shmem-id', segment]));
  });

  /** The attempts that succeeded. */
  async function attempts(
    configuration: Record<string, string | boolean | readonly string[]>,
  ): Promise<{ allowed: string[]; denied: string[] }> {
    const binary = rig.scratch.file('hostile');
    const canary = rig.scratch.file('canary');
    writeFileSync(canary, 'secret');
    const { major, minor } = hostDisk();
    const strings = {
      ...{ CANARY: canary, SOCKET: rig.scratch.file('docker.sock'), OTHER, ABSTRACT },
      KERNEL: rig.scratch.file('kernel'),
    };
    const numbers = { VICTIM: victim.pid, PORT, SEGMENT: segment, DISK_MAJOR: major, DISK_MINOR: minor };
    const definitions = [
      ...Object.entries(strings).map(([name, value]) => `-D${name}=${JSON.stringify(value)}`),
      ...Object.entries(numbers).map(([name, value]) => `-D${name}=${value}`),
    ];
    const built = await run('gcc', ['-static', '-o', binary, ...definitions, SOURCE]);
    assert.equal(built.code, 0, built.stderr);
    rig.prepare({ configuration: { 'hypervisor.qemu.path': binary, ...configuration } });
    const namespaces = [{ type: 'network', path: `/run/netns/${netns}` }, { type: 'pid' }];
    rig.changeSpec((spec) => (spec.linux = { ...spec.linux, resources: {}, namespaces }));
    const { stderr } = await rig.create();
    const results = [...stderr.matchAll(/(\w+)=(allowed|denied)/g)];
    const of = (wanted: string): string[] => results.flatMap(([, name = '', result]) => (result === wanted ? [name] : []));
    assert.notEqual(results.length, 0, stderr);
    return { allowed: of('allowed'), denied: of('denied') };
  }

  it('that uses a system call which its seccomp filter denies is killed, and the error names the call', async () => {
    const binary = rig.scratch.file('denied');
    const built = await run('gcc', ['-static', '-o', binary, join(import.meta.dirname, 'fakes/denied-qemu.c')]);
    assert.equal(built.code, 0, built.stderr);
    rig.prepare({ configuration: { 'hypervisor.qemu.path': binary } });
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(
      stderr,
      /QEMU \(\S+\) ended at its start \(SIGSYS\).*its seccomp filter denies the system call mount; the filter is seccompsandbox of /,
    );
  });

  it('cannot reach anything of the host when it is confined', async () => {
    const { allowed } = await attempts({ 'hypervisor.qemu.qemu_own_root': true, 'hypervisor.qemu.qemu_capabilities': shipped });
    assert.deepEqual(allowed, []);
  });

  it('reaches the host when it is not confined', async () => {
    const { denied } = await attempts({ 'hypervisor.qemu.seccompsandbox': '', 'proxy.kata.confine': false });
    assert.deepEqual(denied, existsSync('/proc/modules') ? [] : ['load_module']);
  });
});
