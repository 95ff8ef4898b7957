/** The guest's kernel: its configuration, and reading and writing of mapped files. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good, run } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';

const FRAGMENTS = join(import.meta.dirname, '../../packaging/kernel/fragments');
const CASES = `\
read sees a store: Zaaa
write beside a store: ZQYa
a store sees a write: ZQYa
write over a page's edge: ZaQQa
write from its own mapping: BB
writable later: aPaa
without a name: aaaU
append beside a store: ZZaabb
store by a descriptor that appends: ZZZabb
shorter and longer: Zz000000
set-user-ID: 777
times: -315619200.000000005 1.500000001
`;

/** Sysctls of a guest, whatever its memory. */
const SETTINGS = {
  'fs/epoll/max_user_watches': '5000000',
  'fs/fanotify/max_user_marks': '1048576',
  'fs/file-max': '9223372036854775807',
  'fs/inotify/max_user_watches': '1048576',
  'fs/nr_open': '1073741816',
  'fs/protected_fifos': '1',
  'fs/protected_hardlinks': '1',
  'fs/protected_regular': '1',
  'fs/protected_symlinks': '1',
  'kernel/pid_max': '4194304',
  'kernel/threads-max': '4194304',
  'net/core/bpf_jit_harden': '1',
  'net/ipv4/tcp_max_orphans': '262144',
  'net/ipv4/tcp_max_syn_backlog': '4096',
  'net/ipv4/tcp_max_tw_buckets': '262144',
  'net/netfilter/nf_conntrack_max': '262144',
  'vm/compaction_proactiveness': '0',
  'vm/max_map_count': '1048576',
  'vm/stat_interval': '10',
};

/** The options of the fragments, in the syntax of a configuration. */
function wishes(): string[] {
  const fragments = readdirSync(FRAGMENTS).map((name) => readFileSync(join(FRAGMENTS, name), 'utf8'));
  return fragments.flatMap((text) => text.split('\n')).filter((line) => line.startsWith('CONFIG_'));
}

describe("the guest's kernel", function () {
  this.timeout(180_000);
  let engine: Engine;
  let volume: string;
  onCleanMachine(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime')));
  before(async () => {
    volume = join(engine.directory, 'volume');
    mkdirSync(volume);
    const source = join(import.meta.dirname, 'shared-maps.c');
    await good(run('gcc', ['-O1', '-static', '-o', join(volume, 'shared-maps'), source]));
    for (const runtime of ['runc', 'kata-runtime']) {
      const args = ['run', '-d', '--name', runtime, '--runtime', runtime, '-v', `${volume}:/volume`, 'busybox', 'sleep', '10000'];
      await good(engine.docker(args));
    }
  });

  const inside = (container: string, script: string): Promise<string> => good(engine.docker(['exec', container, 'sh', '-c', script]));

  it('has every option that the fragments set, and no option that they unset', async () => {
    const { output } = await engine.docker(['exec', 'kata-runtime', 'cat', '/proc/config.gz']);
    const options = new Map(
      gunzipSync(output)
        .toString()
        .split('\n')
        .filter((line) => line.startsWith('CONFIG_'))
        .map((line) => [line.slice(0, line.indexOf('=')), line]),
    );
    const wrong = wishes().filter((wish) => {
      const name = wish.slice(0, wish.indexOf('='));
      return wish.endsWith('=n') ? options.has(name) : options.get(name) !== wish;
    });
    assert.deepEqual(wrong, []);
  });

  it("has the limits of a large host, which do not depend on the guest's memory, and no tunnel devices by default", async () => {
    // Only CAP_SYS_ADMIN reads some of them.
    const names = Object.keys(SETTINGS).map((name) => `/proc/sys/${name}`);
    const values = await good(engine.docker(['exec', '--privileged', 'kata-runtime', 'cat', ...names]));
    assert.deepEqual(Object.fromEntries(Object.keys(SETTINGS).map((name, index) => [name, values.split('\n')[index]])), SETTINGS);
    assert.equal(await inside('kata-runtime', 'ulimit -u; ulimit -i'), 'unlimited\n2097152\n');
    assert.equal(await inside('kata-runtime', 'ls /sys/class/net'), 'eth0\nlo\n');
  });

  it("a container cannot read the guest's root disk, neither the partition nor the whole disk", async () => {
    const script = `
      for directory in /sys/block/pmem0 /sys/block/pmem0/pmem0p1; do
        IFS=: read -r major minor <$directory/dev
        mknod /disk b $major $minor
        dd if=/disk of=/dev/null count=1 2>&1
        rm /disk
      done`;
    assert.equal(await inside('kata-runtime', script), "dd: can't open '/disk': Operation not permitted\n".repeat(2));
  });

  it('a container can ask for two million open files', async () => {
    const args = ['run', '--rm', '--ulimit', 'nofile=2000000', 'busybox', 'sh', '-c', 'ulimit -n'];
    assert.equal(await good(engine.docker(args)), '2000000\n');
  });

  it('has memory that the kernel cannot read (memfd_secret)', async () => {
    await good(run('gcc', ['-static', '-o', join(volume, 'call'), join(import.meta.dirname, 'call.c')]));
    const args = ['run', '--rm', '--security-opt', 'seccomp=unconfined', '-v', `${volume}:/volume`, 'busybox', '/volume/call', '447'];
    assert.equal(await good(engine.docker(args)), '447: 0\n');
  });

  for (const container of ['runc', 'kata-runtime'])
    for (const place of ['/tmp', '/volume']) {
      it(`reads, writes and maps of a file in ${place} agree, ${container}`, async () => {
        const directory = `${place}/${container}`;
        const program = `mkdir ${directory} && chmod 777 ${directory} && /volume/shared-maps`;
        assert.equal(await inside(container, `${program} cases ${directory}`), CASES);
      });

      it(`they agree when processes change it concurrently in ${place}, ${container}`, async () => {
        const directory = `${place}/${container}-random`;
        assert.equal(await inside(container, `mkdir ${directory} && /volume/shared-maps random ${directory} 4 120 1`), 'right\n');
        const copy = join(engine.directory, `${container}${place.replace('/', '-')}`);
        if (place === '/tmp') await good(engine.docker(['cp', `${container}:${directory}`, copy]));
        else cpSync(join(volume, `${container}-random`), copy, { recursive: true });
        for (let file = 0; file < 4; file++) {
          const [seen, model] = [`f${file}`, `f${file}.model`].map((name) => readFileSync(join(copy, name)));
          assert.ok(model !== undefined && seen?.equals(model), `the host sees another f${file}`);
        }
      });
    }

  it('a reopened file has the contents that the host has written', async () => {
    writeFileSync(join(volume, 'text'), 'before\n');
    assert.equal(await inside('kata-runtime', 'cat /volume/text'), 'before\n');
    writeFileSync(join(volume, 'text'), 'and after\n');
    assert.equal(await inside('kata-runtime', 'cat /volume/text'), 'and after\n');
  });
});
