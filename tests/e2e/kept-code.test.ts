/** Translated code that a template keeps: clones use it, and QEMU ignores an invalid file. */
import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { variant } from '../support/staged.ts';

/** Writes a function again and again at the same address, and calls it; also from one thread on each of several CPUs. */
const selfModifying = `
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
static void *work(void *seed)
{
    unsigned char *code = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned char text[] = { 0xb8, 0, 0, 0, 0, 0xc3 }; /* mov $n,%eax; ret */
    for (unsigned n = 0; n < 3000; n++) {
        unsigned value = n * 2654435761u + (unsigned)(long)seed;
        memcpy(text + 1, &value, 4);
        memcpy(code, text, sizeof text);
        if (((unsigned (*)(void))code)() != value) return "wrong code";
    }
    return 0;
}
int main(void)
{
    pthread_t threads[4];
    void *result = 0;
    for (long i = 0; i < 4; i++) pthread_create(threads + i, 0, work, (void *)i);
    for (int i = 0; i < 4; i++) {
        void *own;
        pthread_join(threads[i], &own);
        if (own) result = own;
    }
    puts(result ? result : "as written");
    return 0;
}
`;

describe('translated code of a template', function () {
  this.timeout(300_000);
  let directory = '';
  let engine: Engine;

  const own = (name: string, ...changes: [RegExp, string][]): string =>
    variant(directory, name, (toml) =>
      changes.reduce(
        (text, [line, to]) => text.replace(line, to),
        toml.replace(/^#template_path = .*$/m, `template_path = "${directory}/${name}.templates"`),
      ),
    );
  const docker = (args: string): Promise<Outcome> => engine.docker(args.split(' ').filter(Boolean), { timeoutMs: 200_000 });
  const notKept: [RegExp, string] = [/^#keep_translated_code = .*$/m, 'keep_translated_code = false'];
  const q35: [RegExp, string] = [/^machine_type = .*$/m, 'machine_type = "q35"'];
  const two: [RegExp, string] = [/^default_vcpus = .*$/m, 'default_vcpus = 2'];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-kept-code-'));
    const runtimes = {
      pc: own('pc'),
      q35: own('q35', q35, two),
      off: own('off', notKept),
    };
    writeFileSync(join(directory, 'modify.c'), selfModifying);
    const { code, stderr } = await run('gcc', ['-O1', '-static', '-pthread', '-o', join(directory, 'modify'), join(directory, 'modify.c')]);
    assert.equal(code, 0, stderr);
    engine = await Engine.start(runtimes, 'pc');
  });
  after(async () => {
    await engine.removeAll();
    for (const name of ['pc', 'q35', 'off']) assert.equal((await engine.inMounts(join(directory, name), ['factory', 'destroy'])).code, 0);
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  afterEach(() => engine.removeAll());

  interface Started {
    readonly id: string;
    /** QEMU's name among the host's processes. */
    readonly name: string;
    /** Whether QEMU has mapped the file. */
    readonly uses: boolean;
    /** QEMU's log. */
    readonly log: string;
  }
  async function start(args: string): Promise<Started> {
    const { stdout, stderr, code } = await docker(`run -d -v ${directory}:/own ${args} busybox sleep 1000`);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    const vm = `/proc/${engine.pid}/root/run/vc/vm/${id}`;
    const qemu = `/proc/${readFileSync(`${vm}/pid`, 'utf8').trim()}`;
    const maps = readFileSync(`${qemu}/maps`, 'utf8');
    return {
      id,
      name: readFileSync(`${qemu}/comm`, 'utf8'),
      uses: /rwxp .*\/code( \(deleted\))?$/m.test(maps),
      log: readFileSync(`${vm}/qemu.log`, 'utf8'),
    };
  }
  async function works(id: string): Promise<void> {
    const { stdout, stderr } = await docker(`exec ${id} /own/modify`);
    assert.equal(stdout, 'as written\n', stderr);
  }
  /** The file in the template of a runtime. */
  const codeFile = (name: string): string => {
    const templates = `/proc/${engine.pid}/root${directory}/${name}.templates`;
    return join(templates, readdirSync(templates)[0] ?? '', 'code');
  };

  for (const [name, args] of [
    ['pc', '--runtime pc'],
    ['q35 with two vCPUs and hot-plugged vCPUs', '--runtime q35 --cpus 2'],
  ] as const) {
    it(`is used by a clone: ${name}`, async () => {
      const { id, name, uses, log } = await start(args);
      assert.deepEqual([uses, log, name], [true, '', 'qemu-lite-syste\n']);
      await works(id);
    });
  }

  it('is not kept if the configuration disables it', async () => {
    const { id, uses } = await start('--runtime off');
    assert.equal(uses, false);
    await works(id);
  });

  it('is writable only for root', async () => {
    await start('');
    const { mode, uid } = statSync(codeFile('pc'));
    assert.deepEqual([mode & 0o777, uid], [0o600, 0]);
  });

  const overwrite = (path: string, at: number, bytes: Buffer): void => {
    const data = readFileSync(path);
    bytes.copy(data, at);
    writeFileSync(path, data);
  };
  const damages: [what: string, damage: (path: string) => void, reason: RegExp][] = [
    ['missing', (path) => rmSync(path), /No such file/],
    ['empty', (path) => truncateSync(path, 0), /it is of another kind/],
    ['truncated', (path) => truncateSync(path, statSync(path).size - 4096), /it is not complete/],
    ['of another program', (path) => overwrite(path, 24, Buffer.alloc(20)), /its checksum is wrong/],
    ['damaged in its tables', (path) => overwrite(path, 40_000, Buffer.alloc(64, 0xff)), /its checksum is wrong/],
    ['open to others', (path) => chmodSync(path, 0o666), /others may write it/],
    ['a directory', (path) => (rmSync(path), mkdirSync(path)), /it is no file/],
  ];
  for (const [what, damage, reason] of damages) {
    it(`is translated again when the file is ${what}, and QEMU logs one line`, async () => {
      await start('');
      const path = codeFile('pc');
      copyFileSync(path, join(directory, 'code'));
      damage(path);
      try {
        const { id, uses, log } = await start('');
        assert.equal(uses, false);
        assert.match(log, reason);
        assert.equal(log.trim().split('\n').length, 1, log);
        await works(id);
      } finally {
        rmSync(path, { recursive: true, force: true });
        copyFileSync(join(directory, 'code'), path);
        chmodSync(path, 0o600);
      }
    });
  }

  /** Compiled JavaScript: functions that become hot, are recompiled with other types, and are discarded. */
  const hotFunctions = `
    let sum = 0;
    for (let n = 0; n < 40; n++) {
      const f = new Function('x', 'return x * ' + n + ' + (typeof x === "string" ? x.length : 1)');
      for (let i = 0; i < 2000; i++) sum = (sum + f(i)) % 1000003;
      sum += f('7');
    }
    console.log(sum);
  `;
  it('V8 can compile and recompile in a clone', async () => {
    writeFileSync(join(directory, 'hot.js'), hotFunctions);
    const { stdout: expected } = await run(process.execPath, [join(directory, 'hot.js')]);
    const { id } = await start('-v /:/host:ro');
    const { stdout, stderr } = await docker(`exec ${id} chroot /host ${process.execPath} ${directory}/hot.js`);
    assert.equal(stdout, expected, stderr);
    await works(id);
  });

  it('a clone whose kernel changes code that the template has translated runs the new code', async () => {
    const { id } = await start('--privileged -v /:/host:ro');
    const ping = 'ping -c 1 -W 1 127.0.0.1';
    const code = async (command: string): Promise<number | null> => (await docker(`exec ${id} ${command}`)).code;
    assert.equal(await code(ping), 0);
    // The first rule patches a jump into the kernel's code for each packet that leaves (a static key).
    const rule = await docker(`exec ${id} chroot /host iptables -w -A OUTPUT -p icmp -j DROP`);
    assert.equal(rule.code, 0, rule.stderr);
    assert.notEqual(await code(ping), 0);
    assert.equal(await code('chroot /host iptables -w -D OUTPUT -p icmp -j DROP'), 0);
    assert.equal(await code(ping), 0);
  });

  /** KATA_SOAK_STARTS=200 for a long soak, twenty at a time. */
  const starts = Number(process.env['KATA_SOAK_STARTS'] ?? 4);
  it(`${starts} clones use it at the same time, and run their own code`, async function () {
    this.timeout(starts * 30_000);
    for (let left = starts; left > 0; left -= 20) {
      const started = await Promise.all(Array.from({ length: Math.min(left, 20) }, () => start('')));
      assert.deepEqual(
        started.filter(({ uses }) => !uses).map(({ log }) => log),
        [],
      );
      await Promise.all(started.map(({ id }) => works(id)));
      await engine.removeAll();
    }
  });

  it('is still used by clones whose template is destroyed', async () => {
    const { id } = await start('');
    assert.equal((await engine.inMounts(join(directory, 'pc'), ['factory', 'destroy'])).code, 0);
    await works(id);
  });
});
