import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const here = import.meta.dirname;

describe('product cache', function () {
  this.timeout(120_000);
  let scratch = '';
  beforeEach(() => (scratch = mkdtempSync(join(tmpdir(), 'kata-cache-'))));
  afterEach(() => rmSync(scratch, { recursive: true, force: true }));
  const at = (name: string): string => join(scratch, name);
  const run = (program: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): string =>
    execFileSync(program, [...args], { encoding: 'utf8', env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });

  describe('keep.sh', () => {
    const build = 'echo built >>"$0"; echo product >"$1/file"';
    const keepArgs = (key: string, script = build): string[] => ['kind', key, at('out'), 'sh', '-c', script, at('log')];
    const keep = (key: string, script?: string): string =>
      run(join(here, 'keep.sh'), keepArgs(key, script), { KATA_CACHE_DIR: at('cache') });
    const entries = (): string[] => readdirSync(at('cache/kind')).filter((name) => !name.endsWith('.lock'));

    it('builds once and copies the entry each time', () => {
      assert.match(keep('aa'), /kind: built in/);
      rmSync(at('out'), { recursive: true });
      assert.equal(keep('aa'), 'kind: unchanged\n');
      assert.equal(readFileSync(at('out/file'), 'utf8'), 'product\n');
      assert.equal(readFileSync(at('log'), 'utf8'), 'built\n');
    });

    it('makes no entry after a failed build', () => {
      assert.throws(() => keep('aa', 'echo half >"$1/file"; exit 3'), { status: 3 });
      assert.deepEqual(entries(), []);
      assert.equal(existsSync(at('out')), false);
    });

    it('discards the remains of a killed build', () => {
      mkdirSync(at('cache/kind/aa.building'), { recursive: true });
      writeFileSync(at('cache/kind/aa.building/half'), '');
      keep('aa');
      assert.deepEqual([entries(), readdirSync(at('cache/kind/aa'))], [['aa'], ['file']]);
    });

    it('keeps the three newest entries', () => {
      for (const key of ['aa', 'bb', 'cc', 'aa', 'dd']) {
        keep(key);
      }
      assert.deepEqual(entries(), ['aa', 'cc', 'dd']);
    });

    it('builds once for two concurrent calls: the second waits', async () => {
      const slow = 'echo built >>"$0"; while [ ! -e "$0.go" ]; do sleep 0.01; done; echo product >"$1/file"';
      const start = (): { ended: Promise<unknown>; output: () => string } => {
        const child = spawn(join(here, 'keep.sh'), keepArgs('aa', slow), { env: { ...process.env, KATA_CACHE_DIR: at('cache') } });
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (output.includes('waiting')) writeFileSync(`${at('log')}.go`, '');
        });
        return { ended: once(child, 'close'), output: () => output };
      };
      const both = [start(), start()];
      for (const { ended } of both) assert.deepEqual(await ended, [0, null]);
      assert.equal(readFileSync(at('log'), 'utf8'), 'built\n');
    });

    it('uses ~/.cache by default', () => {
      run(join(here, 'keep.sh'), keepArgs('aa'), { HOME: at('home'), KATA_CACHE_DIR: '', XDG_CACHE_HOME: '' });
      assert.ok(existsSync(at('home/.cache/kata-containers/kind/aa/file')));
    });
  });

  describe('input-key.sh', () => {
    const key = (...args: string[]): string => run(join(here, 'input-key.sh'), args);

    it('depends on bytes, names and texts, and not on the location of files', () => {
      mkdirSync(at('one/dir/below'), { recursive: true });
      writeFileSync(at('one/dir/below/a'), 'x');
      cpSync(at('one'), at('two'), { recursive: true });
      const first = key('-t', 'text', at('one/dir'));
      assert.match(first, /^[0-9a-f]{32}\n$/);
      assert.equal(key('-t', 'text', at('two/dir')), first);
      assert.notEqual(key('-t', 'texu', at('one/dir')), first);
      writeFileSync(at('two/dir/below/a'), 'y');
      assert.notEqual(key('-t', 'text', at('two/dir')), first);
      cpSync(at('one/dir/below/a'), at('one/dir/below/b'));
      assert.notEqual(key('-t', 'text', at('one/dir')), first);
    });

    it('fails for an unreadable input', () => {
      assert.throws(() => key(at('nothing')), /nothing cannot be read/);
    });

    /** Puts a program into PATH that runs the machine's program and prints one line more. */
    function shadow(name: string): NodeJS.ProcessEnv {
      mkdirSync(at('bin'), { recursive: true });
      const real = run('sh', ['-c', `command -v ${name}`]).trim();
      writeFileSync(at(`bin/${name}`), `#!/bin/sh\n${real} "$@"\necho changed\n`);
      chmodSync(at(`bin/${name}`), 0o755);
      return { PATH: `${at('bin')}:${process.env['PATH'] ?? ''}` };
    }

    for (const [product, programs] of [
      ['kernel', ['gcc', 'ld', 'dpkg-query']],
      ['crun', ['gcc', 'ld', 'dpkg-query']],
      ['qemu', ['gcc', 'ld', 'dpkg-query']],
    ] as const)
      it(`${product}: changes with one byte of any input`, () => {
        cpSync(here, at('packaging/cache'), { recursive: true });
        cpSync(join(here, '..', product), at(`packaging/${product}`), { recursive: true });
        const builder = at(`packaging/${product}/build.sh`);
        const first = run(builder, ['--print-key']);
        assert.equal(
          first,
          run(join(here, '..', product, 'build.sh'), ['--print-key']),
          'the key must not depend on the location of the repository',
        );
        for (const name of readdirSync(at(`packaging/${product}`), { recursive: true, withFileTypes: true })) {
          if (!name.isFile()) continue;
          const path = join(name.parentPath, name.name);
          const text = readFileSync(path);
          writeFileSync(path, Buffer.concat([text, Buffer.from('\n')]));
          assert.notEqual(run(builder, ['--print-key']), first, path);
          writeFileSync(path, text);
        }
        for (const program of programs) {
          assert.notEqual(run(builder, ['--print-key'], shadow(program)), first, program);
          rmSync(at('bin'), { recursive: true });
        }
      });
  });
});
