/** Keys of the configuration that only change QEMU's command line, with the real QEMU. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { variant } from '../support/staged.ts';

describe("QEMU's options", function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-options-'));
    const memory = join(directory, 'memory');
    mkdirSync(memory);
    const keys = [`file_mem_backend = "${memory}"`, 'enable_mem_prealloc = true', 'enable_swap = true', 'enable_iothreads = true'];
    const all = variant(directory, 'all', (toml) =>
      toml.replace(/^default_memory = .*$/m, ['default_memory = 256', 'enable_debug = true', ...keys].join('\n')),
    );
    const speculating = variant(directory, 'speculating', (toml) =>
      toml
        .replace(/^#?kernel_params = .*$/m, 'kernel_params = "mitigations=auto"')
        .replace(/^enable_template = .*$/m, 'enable_template = false'),
    );
    const q35 = variant(directory, 'q35', (toml) =>
      toml
        .replace(/^machine_type = .*$/m, 'machine_type = "q35"')
        .replace(/^#?template_path = .*$/m, `template_path = "${directory}/templates"`),
    );
    engine = await Engine.start({ all, speculating, q35 }, 'all');
  });
  after(async () => {
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('memory in a directory, preallocated and plugged; an I/O thread; a log', async () => {
    const { code, stdout, stderr } = await engine.docker(['run', '-d', '-m', '200m', 'busybox', 'sleep', '1000']);
    assert.equal(code, 0, stderr);
    const id = stdout.trim();
    const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as SandboxState;
    const line = readFileSync(`/proc/${HypervisorState.Process.pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
    for (const args of [
      /size=256M,mem-path=\S*memory,share=on,prealloc=on/,
      /-overcommit mem-lock=off/,
      /iothread,id=iothread-/,
      / -D \S*qemu.log/,
    ])
      assert.match(line, args);
    const maps = readFileSync(`/proc/${HypervisorState.Process.pid}/smaps`, 'latin1');
    // The VM has all of its memory, and hot-plugged memory has the same backend.
    const sizes = [...maps.matchAll(/ \S*\/memory\/\S* \(deleted\)\nSize: +(\d+) kB(?:\n.*)*?\nRss: +(\d+) kB/g)].map(([, size, rss]) => [
      Number(size),
      Number(rss),
    ]);
    assert.deepEqual(sizes.map(([size]) => size).sort(), [256 << 10, 256 << 10]);
    for (const [size, rss] of sizes) assert.equal(rss, size);
    const free = await engine.docker(['exec', id, 'free', '-m']);
    assert.ok(Number(/Mem:\s+(\d+)/.exec(free.stdout)?.[1]) > 300, free.stdout);
    assert.equal((await engine.docker(['rm', '-f', id])).code, 0);
  });

  // The last parameter takes effect: mitigations as in a guest that is not emulated.
  it("the guest's kernel has mitigations of speculative execution", async () => {
    const at = '/sys/devices/system/cpu/vulnerabilities';
    const args = ['run', '--rm', '--runtime', 'speculating', 'busybox', 'cat', `${at}/spectre_v1`, `${at}/spectre_v2`];
    const { stdout, stderr } = await engine.docker(args);
    assert.match(stdout, /^Mitigation: .*\nMitigation: /, stderr);
  });

  it('machine type q35: booted, cloned, and with hot-plugged devices', async () => {
    const docker = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await engine.docker(args);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    };
    const q35 = ['--runtime', 'q35', 'busybox'];
    try {
      assert.equal(await docker('run', '--rm', ...q35, 'echo', 'made its template'), 'made its template');
      const id = await docker('run', '-d', '--cpus', '1', '-m', '200m', ...q35, 'sleep', '1000');
      const { HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as SandboxState;
      const line = readFileSync(`/proc/${HypervisorState.Process.pid}/cmdline`, 'latin1').replaceAll('\0', ' ');
      assert.match(line, /-machine q35,.* -incoming /);
      assert.equal(await docker('exec', id, 'nproc'), '2');
      assert.ok(Number(/Mem:\s+(\d+)/.exec(await docker('exec', id, 'free', '-m'))?.[1]) > 2048);
      await docker('rm', '-f', id);
    } finally {
      assert.equal((await engine.inMounts(join(directory, 'q35'), ['factory', 'destroy'])).code, 0);
    }
  });
});
