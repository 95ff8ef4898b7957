/**
 * The confinement of QEMU, kata-proxy and kata-shim of a running container: their state in /proc, and the files in their root directories.
 */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import type { ContainerRecord, SandboxState } from '../../packages/runtime/src/state/state.ts';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { openFiles, otherPids, readEntries } from '../support/proc-files.ts';
import { good } from '../support/run.ts';
import { isOtherQemu, kataRuntime, stage } from '../support/staged.ts';
import { until } from '../support/until.ts';

/** open(2). */
const [O_ACCMODE, O_RDONLY] = [3, 0];

/** Fields of /proc/PID/status or a file of the same format. */
const status = (pid: number, path = `/proc/${pid}/status`): Map<string, string> =>
  new Map(
    readFileSync(path, 'utf8')
      .split('\n')
      .map((line): [string, string] => [line.split(':')[0] ?? '', line.split(':\t')[1] ?? '']),
  );

/** Whether the host has only cgroup version 2. */
const isVersion2 = existsSync('/sys/fs/cgroup/cgroup.controllers');

const oomScore = (pid: number): number => Number(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'));

const namespace = (pid: number | 'self', name: string): string => readlinkSync(`/proc/${pid}/ns/${name}`);

describe('the confinement of QEMU', function () {
  this.timeout(180_000);
  let engine: Engine;
  let volume = '';
  let container = '';
  let qemu = 0;
  before(async () => {
    volume = mkdtempSync(join(tmpdir(), 'volume-'));
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
    const stdout = await good(engine.docker(['run', '-d', '-v', `${volume}:/volume`, 'busybox', 'sleep', '1000']));
    container = stdout.trim();
    qemu = Number(readFileSync(`/run/vc/vm/${container}/pid`, 'utf8'));
  });
  after(async () => {
    await engine.docker(['rm', '-f', container]);
    await engine.stop();
    rmSync(volume, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('capabilities, seccomp, no_new_privs, core dumps', () => {
    const found = status(qemu);
    const of = (...names: string[]): (string | undefined)[] => names.map((name) => found.get(name));
    const kept = '000000008800001b'; // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, MKNOD, SETFCAP
    assert.deepEqual(of('CapEff', 'CapPrm', 'CapAmb', 'NoNewPrivs', 'Seccomp'), [kept, kept, kept, '1', '2']);
    assert.match(readFileSync(`/proc/${qemu}/limits`, 'utf8'), /^Max core file size +1 +1 +bytes/m);
  });

  it('limit of threads', () => {
    if (isVersion2) {
      const sandbox = /^0::(.*)\/qemu$/m.exec(readFileSync(`/proc/${qemu}/cgroup`, 'utf8'))?.[1] ?? '';
      assert.match(sandbox, new RegExp(container));
      return assert.equal(readFileSync(`/sys/fs/cgroup${sandbox}/pids.max`, 'utf8').trim(), '16384');
    }
    const path = /^\d+:pids:(.*)$/m.exec(readFileSync(`/proc/${qemu}/cgroup`, 'utf8'))?.[1] ?? '';
    assert.match(path, new RegExp(`${container}/qemu$`));
    assert.equal(readFileSync(`/sys/fs/cgroup/pids${path}/pids.max`, 'utf8').trim(), '1024');
  });

  it('devices', function () {
    if (isVersion2) return this.skip(); // the kernel does not show the rules: tests/integration/runtime-qemu-cgroups.test.ts opens devices
    const path = /^\d+:devices:(.*)$/m.exec(readFileSync(`/proc/${qemu}/cgroup`, 'utf8'))?.[1] ?? '';
    assert.match(path, new RegExp(`${container}/qemu$`));
    const rules = readFileSync(`/sys/fs/cgroup/devices${path}/devices.list`, 'utf8').trim().split('\n');
    assert.deepEqual(rules, ['c 1:3 rw', 'c 1:5 rw', 'c 1:9 rw', 'c *:* m', 'b *:* m']);
  });

  it("oomScoreAdj of config.json, not the engine's own score", async () => {
    const id = (await good(engine.docker(['run', '-d', '--oom-score-adj', '345', 'busybox', 'sleep', '1000']))).trim();
    const pid = readFileSync(`/run/vc/vm/${id}/pid`, 'utf8').trim();
    assert.equal(oomScore(Number(pid)), 345);
    await engine.docker(['rm', '-f', id]);
  });

  it("the runtime's own score when config.json has none or 0", () => {
    assert.equal(oomScore(qemu), 0);
  });

  it('namespaces', () => {
    const shared = ['mnt', 'pid', 'ipc', 'uts', 'net'].filter((name) => namespace(qemu, name) === namespace('self', name));
    assert.deepEqual(shared, []);
  });

  it('root directory', () => {
    const root = `/proc/${qemu}/root`;
    assert.deepEqual(readdirSync(`${root}/proc`).sort(), [String(qemu), 'self']);
    assert.deepEqual(
      readdirSync(`${root}/run/vc/vm`).filter((name) => name !== 'template'),
      [container],
    );
    const { length } = readFileSync(`/proc/${qemu}/mountinfo`, 'utf8').trim().split('\n');
    assert.ok(length < 20, `${length} mounts`);
    const [, directoryOfStage = ''] = stage.split('/'); // holds the image, and may be /home
    const absent = ['etc', 'home', 'root', 'sys', 'boot', 'bin'].filter((name) => name !== directoryOfStage);
    if (!isOtherQemu)
      assert.deepEqual(
        readdirSync(root).filter((name) => absent.includes(name)),
        [],
      );
  });

  it("a template's memory cannot be written by its clones", function () {
    if (isOtherQemu || process.env['KATA_TEMPLATE'] === 'off') return this.skip();
    const memory = /^\/run\/vc\/vm\/template\/[0-9a-f]+\/memory$/;
    const files = openFiles(qemu).filter(({ path }) => memory.test(path));
    const modes = files.map(({ flags }) => flags & O_ACCMODE);
    assert.deepEqual(modes, [O_RDONLY]);
    const mounts = readFileSync(`/proc/${qemu}/mountinfo`, 'utf8')
      .split('\n')
      .map((line) => line.split(' '));
    const ofMemory = mounts.filter(([, , , , point = '']) => memory.test(point));
    assert.deepEqual(
      ofMemory.map(([, , , , , options]) => options?.split(',')[0]),
      ['ro'],
    );
    const maps = readFileSync(`/proc/${qemu}/maps`, 'utf8')
      .split('\n')
      .map((line) => line.split(/ +/));
    const mapped = maps.filter(([, , , , , path = '']) => memory.test(path)).map(([, permissions]) => permissions);
    assert.deepEqual([...new Set(mapped)], ['rw-p']);
  });

  const state = <T>(path: string): T => JSON.parse(readFileSync(`/run/vc/sbs/${container}/${path}`, 'utf8')) as T;
  const processes: readonly (readonly [name: string, pid: () => number])[] = [
    ['kata-proxy', () => state<SandboxState>('persist.json').AgentState.Proxy.pid],
    ["the first process' kata-shim", () => state<ContainerRecord>(`${container}/persist.json`).Process.Shim.pid],
    [
      "an exec's kata-shim",
      () => {
        const own = state<ContainerRecord>(`${container}/persist.json`).Process.Shim.pid;
        return otherPids().find((pid) => pid !== own && isShimOf(pid, own)) ?? 0;
      },
    ],
  ];
  /** The reaper of the processes that kata-runtime leaves. kata-runtime has inherited its score. */
  const containerdShim = (): number => Number(status(state<SandboxState>('persist.json').AgentState.Proxy.pid).get('PPid'));
  /** Runs in the PID namespace of that shim. */
  const isShimOf = (pid: number, own: number): boolean => {
    try {
      return namespace(pid, 'pid') === namespace(own, 'pid');
    } catch {
      return false; // ended
    }
  };
  for (const [name, pidOf] of processes)
    it(`${name}: no thread is root or has capabilities, the root directory is empty, the network namespace is unused`, async () => {
      await good(engine.docker(['exec', '-d', container, 'sleep', '500']));
      await until('the process runs', () => pidOf() > 0);
      const pid = pidOf();
      await until('it is confined', () => status(pid).get('Seccomp') === '2' && !status(pid).get('Uid')?.startsWith('0'));
      const none = '0000000000000000';
      for (const found of readEntries(`/proc/${pid}/task`, (thread) => status(pid, `${thread}/status`))) {
        const of = (...names: string[]): (string | undefined)[] => names.map((field) => found.get(field));
        assert.deepEqual(
          of('CapInh', 'CapPrm', 'CapEff', 'CapAmb', 'NoNewPrivs', 'Seccomp'),
          [none, none, none, none, '1', '2'],
          String(found.get('Name')),
        );
        const user = String(0x70000000 + pid);
        assert.deepEqual(of('Uid', 'Gid'), [Array(4).fill(user).join('\t'), Array(4).fill(user).join('\t')], String(found.get('Name')));
        assert.equal(found.get('Groups')?.trim(), '');
      }
      assert.equal(status(pid).get('CapBnd'), none);
      assert.deepEqual(readdirSync(`/proc/${pid}/root/`), []);
      assert.equal(statSync(`/proc/${pid}/fd`).uid, 0, 'it is not dumpable');
      assert.notEqual(namespace(pid, 'net'), namespace('self', 'net'));
      assert.match(readFileSync(`/proc/${pid}/cgroup`, 'utf8'), new RegExp(`/kata_${container}$`, 'm'));
      assert.equal(oomScore(pid), oomScore(containerdShim()), 'kata-runtime is protected from the OOM killer, its children are not');
      const files = openFiles(pid).map(({ path }) => path);
      const directories = files.filter((path) => path.startsWith('/') && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true);
      assert.deepEqual(directories, [], files.join(' '));
      assert.doesNotMatch(files.join(' '), /io_uring/);
      const variables = readFileSync(`/proc/${pid}/environ`, 'utf8')
        .split('\0')
        .map((entry) => entry.split('=')[0]);
      assert.deepEqual(
        // BUN_*, JSC_* and MIMALLOC_*: of the launcher (packaging/engine/launch.c)
        variables.filter(
          (variable) =>
            !/^(PATH|KATA_PROXY_CONSOLE|KATA_PROXY_QEMU|KATA_SHIM_DUTIES|KATA_SHIM_TITLE|BUN_\w+|JSC_\w+|MIMALLOC_SCAVENGER|)$/.test(
              variable ?? '',
            ),
        ),
        [],
      );
    });

  it("files that the guest's root creates by 9p have the right owner and mode on the host", async () => {
    mkdirSync(join(volume, 'd'), { mode: 0o700 });
    writeFileSync(join(volume, 'd/host'), 'host', { mode: 0o600 });
    const commands = [
      'cd /volume/d && touch f && chown 1000:1001 f && chmod 4711 f && ln f hard && ln -s f soft && mv hard moved',
      'mkdir -p a/b && chown -R 7:8 a && chmod 2770 a && chown 1234 host && chmod 000 host && cat host && touch -t 200001010000 f',
      ...(isOtherQemu ? [] : ['mkfifo pipe && mknod null c 1 3']), // what QEMU 7.2 refuses on 9p
      'stat -c "%n %u:%g %a" f soft moved a a/b host',
    ];
    const stdout = await good(engine.docker(['exec', container, 'sh', '-c', commands.join(' && ')]));
    assert.deepEqual(stdout.split('\n'), [
      'hostf 1000:1001 4711',
      'soft 0:0 777',
      'moved 1000:1001 4711',
      'a 7:8 2770',
      'a/b 7:8 755',
      'host 1234:0 0',
      '',
    ]);
  });
});
