/** Translated code that a template keeps: clones use it, and a file that is not right is not used. */
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
import { Engine } from './engine.ts';
import { leftovers } from './leftovers.ts';
import { run } from './run.ts';
import type { Outcome } from './run.ts';
import { variant } from './staged.ts';

/** Writes a function over and over, at the same address, and calls it; also from a thread each on several CPUs. */
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
  const kept: [RegExp, string] = [/^#keep_translated_code = .*$/m, 'keep_translated_code = true'];
  const q35: [RegExp, string] = [/^machine_type = .*$/m, 'machine_type = "q35"'];
  const two: [RegExp, string] = [/^default_vcpus = .*$/m, 'default_vcpus = 2'];

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-kept-code-'));
    const runtimes = {
      pc: own('pc', kept),
      q35: own('q35', kept, q35, two),
      off: own('off'),
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
    /** Whether QEMU has mapped the file. */
    readonly uses: boolean;
    /** What QEMU said. */
    readonly log: string;
  }
  async function start(args: string): Promise<Started> {
    const { stdout, stderr, code } = await docker(`run -d -v ${directory}:/own ${args} busybox sleep 1000`);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    const vm = `/proc/${engine.pid}/root/run/vc/vm/${id}`;
    const maps = readFileSync(`/proc/${readFileSync(`${vm}/pid`, 'utf8').trim()}/maps`, 'utf8');
    return { id, uses: /rwxp .*\/code( \(deleted\))?$/m.test(maps), log: readFileSync(`${vm}/qemu.log`, 'utf8') };
  }
  const works = async (id: string): Promise<void> => assert.equal((await docker(`exec ${id} /own/modify`)).stdout, 'as written\n');
  /** The file in the template of a runtime. */
  const codeFile = (name: string): string => {
    const templates = `/proc/${engine.pid}/root${directory}/${name}.templates`;
    return join(templates, readdirSync(templates)[0] ?? '', 'code');
  };

  for (const [name, args] of [
    ['pc', '--runtime pc'],
    ['q35 with two vCPUs, and more that are plugged', '--runtime q35 --cpus 2'],
  ] as const) {
    it(`is used by a clone: ${name}`, async () => {
      const { id, uses, log } = await start(args);
      assert.deepEqual([uses, log], [true, '']);
      await works(id);
    });
  }

  it('is not kept when the configuration does not want it', async () => {
    const { id, uses } = await start('--runtime off');
    assert.equal(uses, false);
    await works(id);
  });

  it('may be written by root alone', async () => {
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
    it(`is translated anew when the file is ${what}, and QEMU says it in one line`, async () => {
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

  it('goes on being used by clones whose template is destroyed', async () => {
    const { id } = await start('');
    assert.equal((await engine.inMounts(join(directory, 'pc'), ['factory', 'destroy'])).code, 0);
    await works(id);
  });
});
