/**
 * The complete list of files, namespaces, limits and privileges of QEMU, kata-proxy, kata-shim, its helper and virtiofsd while a container
 * runs. An object that is not listed could let a guest escape. docs/security.md gives the purpose of each object.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { good } from '../support/run.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { openFiles, otherPids, readProcess } from '../support/proc-files.ts';
import { isOtherQemu, kataRuntime, stage, variant } from '../support/staged.ts';
import { until } from '../support/until.ts';

type Kind = 'qemu' | 'proxy' | 'shim' | 'helper' | 'virtiofsd';

/** Finds the programs by environment and command line, because a shim sets another title. */
const kinds: Readonly<Record<Kind, RegExp>> = {
  qemu: /^\S*qemu\S*\0-name\0/,
  proxy: /^\S*kata-proxy\0(?:.*\0)?-listen-socket\0/s,
  shim: /\nKATA_SHIM_TITLE=|\0KATA_SHIM_TITLE=/,
  helper: /^\/bin\/sh\0-c\0limit=.*while read -r r;/,
  virtiofsd: /^\S*virtiofsd\0/,
};

const read = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

const pidsOf = (kind: Kind): number[] =>
  otherPids().filter((pid) => kinds[kind].test(`${readProcess(pid, 'cmdline')}\n${readProcess(pid, 'environ')}`));

/** Open files without duplicates: the path, the name of a tap, and the access mode of a file with a path. */
function filesOf(pid: number): string[] {
  const files = openFiles(pid).map((file) => {
    const path = file.path.replace(/:?\[\d+\]$/, '').replace(/\.[0-9A-Za-z]{6} \(deleted\)$/, ' (deleted)');
    const [, tap] = /^iff:\s*(\S+)$/m.exec(file.info) ?? [];
    const mode = ['r', 'w', 'rw'][file.flags & 3];
    return `${path}${tap === undefined ? '' : ` ${tap}`}${path.startsWith('/') ? ` ${mode}` : ''}`;
  });
  return [...new Set(files)];
}

/** Names of the variables, without those that the launcher sets for the JS engine (packaging/engine/launch.c). */
const environmentOf = (pid: number): string[] =>
  read(pid, 'environ')
    .split('\0')
    .filter(Boolean)
    .map((entry) => entry.split('=')[0] ?? '')
    .filter((name) => !/^(BUN|JSC)_/.test(name))
    .sort();

/** Namespaces that it does not share with this process. */
const ownNamespaces = (pid: number): string[] =>
  readdirSync(`/proc/${pid}/ns`).filter((name) => !/_for_children$/.test(name) && readlinkSync(`/proc/${pid}/ns/${name}`) !== readlinkSync(`/proc/self/ns/${name}`)); // prettier-ignore

const limit = (pid: number, name: string): string[] =>
  new RegExp(`^${name} +(\\S+) +(\\S+)`, 'm').exec(read(pid, 'limits'))?.slice(1) ?? [];

describe('files and privileges of the processes of a sandbox', function () {
  this.timeout(120_000);
  let engine: Engine;
  let directory = '';
  let id = '';
  onCleanMachine(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-inventory-'));
    const runtimes = {
      'kata-runtime': kataRuntime,
      share: variant(directory, 'share', (toml) => toml.replace(/^shared_fs = .*$/m, 'shared_fs = "virtio-fs"')),
      macvtap: variant(directory, 'macvtap', (toml) =>
        toml.replace(/^internetworking_model = .*$/m, 'internetworking_model = "macvtap"').replace('enable_template = true', 'enable_template = false'),
      ), // prettier-ignore
    };
    return (engine = await Engine.start(runtimes, 'kata-runtime'));
  });
  after(() => rmSync(directory, { recursive: true }));
  afterEach(() => engine.removeAll());

  async function start(...args: string[]): Promise<void> {
    id = (await good(engine.docker(['run', '-d', ...args, 'busybox', 'sleep', '1000']))).trim();
    await until('proxy and shim are confined', () => [...pidsOf('proxy'), ...pidsOf('shim')].every((pid) => /^Uid:\s+1879/m.test(readProcess(pid, 'status')))); // prettier-ignore
  }
  const only = (kind: Kind): number => {
    const [pid, ...others] = pidsOf(kind);
    assert.ok(pid !== undefined && others.length === 0, `${kind}: ${[pid, ...others].join(' ')}`);
    return pid;
  };
  /** Sorted after the replacements: the order does not depend on the directory of the checkout. */
  const short = (files: readonly string[]): string[] => files.map((file) => file.replaceAll(id, 'ID').replace(stage, 'STAGE').replace(memory, 'MEMORY').replace(/^\/dev\/tap\d+ /, '/dev/tap ')).sort(); // prettier-ignore

  const sockets = ['anon_inode:[eventfd]', 'anon_inode:[eventpoll]', 'anon_inode:[signalfd]', 'socket'];
  const always = ['/dev/null r', '/dev/urandom r', '/run/vc/vm/ID/qemu.log w', 'STAGE/usr/share/kata-containers/kata-containers.img r'];
  const memory = /^\/run\/vc\/vm\/template\/[0-9a-f]{16}\/memory r$/;
  const share = '/run/kata-containers/shared/sandboxes/ID/shared';
  /** The list without the files that the guest has open. */
  const ofQemu = (): string[] => short(filesOf(only('qemu'))).filter((file) => !file.startsWith(`${share}/`));

  const cases: [name: string, args: string[], files: string[]][] = [
    ['9p and a template', [], ['/dev/net/tun tap0_kata rw', `${share} r`, 'MEMORY']],
    ['no network', ['--network', 'none'], [`${share} r`, 'MEMORY']],
    ['virtio-fs', ['--runtime', 'share'], ['/dev/net/tun tap0_kata rw', '/dev/shm/qemu_back_mem.dimm1 (deleted) rw']],
    ['macvtap', ['--runtime', 'macvtap'], ['/dev/tap rw', `${share} r`]],
  ];
  for (const [name, args, files] of cases)
    it(`QEMU with ${name}: its files`, async function () {
      if (isOtherQemu || process.env['KATA_TEMPLATE'] === 'off') return this.skip();
      await start(...args);
      assert.deepEqual(ofQemu(), [...sockets, ...always, ...files].sort());
    });

  it('QEMU: environment, namespaces, limits, root directory', async () => {
    await start();
    const pid = only('qemu');
    assert.deepEqual(environmentOf(pid), ['PATH']);
    assert.deepEqual(ownNamespaces(pid), ['ipc', 'mnt', 'net', 'pid', 'uts']);
    assert.deepEqual(read(pid, 'net/dev').split('\n').slice(2).filter(Boolean).map((line) => line.split(':')[0]?.trim()), ['lo']); // prettier-ignore
    assert.doesNotMatch(read(pid, 'net/unix'), /@/, 'no abstract sockets');
    const limits = ['Max core file size', 'Max pending signals', 'Max msgqueue size'].map((name) => limit(pid, name));
    assert.deepEqual(limits, [['1', '1'], ['64', '64'], ['0', '0']]); // prettier-ignore
    const mounts = read(pid, 'mountinfo').trim().split('\n').map((line) => line.split(' ')); // prettier-ignore
    const writable = mounts.filter(([, , , , , options = '']) => !options.split(',').includes('ro')).map(([, , , , point = '']) => point);
    assert.deepEqual(writable.filter((point) => !point.startsWith(`/run/kata-containers/shared/sandboxes/${id}/shared/${id}`)), []); // prettier-ignore
    if (!isOtherQemu) assert.deepEqual(readdirSync(`/proc/${pid}/root/dev`).sort(), ['null', 'urandom', 'zero']);
    assert.deepEqual(read(pid, 'timers'), '');
    assert.match(read(pid, 'status'), /^SigIgn:\t0000000000001000$/m, 'SIGPIPE only');
  });

  it('virtiofsd: its share and its connection', async () => {
    await start('--runtime', 'share');
    const [parent = 0, worker = 0] = pidsOf('virtiofsd');
    const own = (pid: number): string[] => short(filesOf(pid)).filter((file) => !/^\/(ID|1\/task)/.test(file));
    assert.deepEqual(own(parent), ['/dev/null r', '/run/vc/vm/ID/virtiofsd.log w', 'socket']);
    assert.deepEqual(own(worker), ['/ r', '/dev/null r', '/run/vc/vm/ID/virtiofsd.log w', 'anon_inode:[eventfd]', 'socket']);
    for (const pid of [parent, worker]) {
      assert.deepEqual(environmentOf(pid), ['PATH']);
      assert.match(read(pid, 'status'), /^Seccomp:\t2$/m);
      assert.ok(readdirSync(`/proc/${pid}/root/`).every((entry) => entry.startsWith(id)));
    }
    assert.deepEqual(ownNamespaces(worker), ['mnt', 'net', 'pid']);
    const [, capabilities = ''] = /^CapEff:\t(\w+)$/m.exec(read(worker, 'status')) ?? [];
    assert.equal(capabilities, '00000000880000db'); // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID, MKNOD, SETFCAP
  });

  const engineFds = ['anon_inode:[eventfd]', 'anon_inode:[eventpoll]', 'socket'];
  const oom = /^\/sys\/fs\/cgroup\/.*\/memory\.(oom_control|events) r$/;
  it('kata-proxy, kata-shim and its helper', async () => {
    await start();
    const withoutOom = (pid: number): string[] => short(filesOf(pid)).filter((file) => !oom.test(file));
    const logs = [
      '/run/vc/vm/ID/proxy.log rw',
      '/run/vc/vm/ID/proxy.log w',
      '/run/vc/vm/ID/qemu.log rw',
      'anon_inode:inotify',
      'anon_inode:[pidfd]',
    ];
    const [proxy, shim, helper] = [only('proxy'), only('shim'), only('helper')];
    assert.deepEqual(withoutOom(proxy), ['/dev/null r', '/dev/null w', ...logs, ...engineFds].sort());
    const resolver = [`${engine.directory}/data/containers/ID/resolv.conf r`, 'anon_inode:inotify']; // for docker's names
    assert.deepEqual(withoutOom(shim), ['/dev/null r', ...resolver, ...engineFds, 'pipe'].sort());
    assert.deepEqual(short(filesOf(helper)), ['/dev/null w', 'socket']);
    assert.deepEqual(environmentOf(proxy), ['KATA_PROXY_CONSOLE', 'KATA_PROXY_QEMU', 'MIMALLOC_SCAVENGER', 'PATH']);
    assert.deepEqual(environmentOf(shim), ['KATA_SHIM_DUTIES', 'KATA_SHIM_TITLE', 'MIMALLOC_SCAVENGER', 'PATH']);
    assert.deepEqual(environmentOf(helper), ['PATH']);
    for (const pid of [proxy, shim, helper]) assert.equal(read(pid, 'timers'), '');
  });

  it('the processes of a sandbox have no file of another sandbox open', async () => {
    await start();
    const first = id;
    await start();
    for (const kind of ['qemu', 'proxy', 'shim'] as const)
      for (const pid of pidsOf(kind)) {
        const text = [...filesOf(pid), read(pid, 'mountinfo'), ...readdirSync(`/proc/${pid}/root/`)].join('\n');
        const isFirst = `${read(pid, 'cmdline')}${read(pid, 'cgroup')}`.includes(first);
        if (kind === 'qemu') assert.doesNotMatch(text, new RegExp(isFirst ? id : first), read(pid, 'cmdline'));
        else assert.doesNotMatch(filesOf(pid).join('\n'), new RegExp(isFirst ? id : first), read(pid, 'cmdline'));
      }
  });
});
