/** How QEMU is confined while a container runs: what the kernel says of the process, and what its root directory has. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { good } from '../support/run.ts';
import { isOtherQemu, kataRuntime } from '../support/staged.ts';

/** Fields of /proc/PID/status. */
const status = (pid: number): Map<string, string> =>
  new Map(
    readFileSync(`/proc/${pid}/status`, 'utf8')
      .split('\n')
      .map((line): [string, string] => [line.split(':')[0] ?? '', line.split(':\t')[1] ?? '']),
  );

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
    if (!isOtherQemu)
      assert.deepEqual(
        readdirSync(root).filter((name) => ['etc', 'home', 'root', 'sys', 'boot', 'bin'].includes(name)),
        [],
      );
  });

  it("files of the guest's root are its own on the host, in every way that 9p has", async () => {
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
