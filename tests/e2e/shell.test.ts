/** `kata-shell`: a shell in the guest outside of the container, on a real terminal. Disabled by default. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime, variant } from '../support/staged.ts';
import { until } from '../support/until.ts';
import { Tmux } from './tmux.ts';

describe('kata-shell', function () {
  this.timeout(120_000);
  let directory = '';
  let engine: Engine;
  let tmux: Tmux;
  let open = '';
  let id = '';
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-shell-'));
    open = variant(directory, 'open', (toml) => toml.replace(/^#?debug_console_enabled = false$/m, 'debug_console_enabled = true'));
    const onConsole = variant(directory, 'on-console', (toml) =>
      toml
        .replace(/^#?kernel_params = .*$/m, 'kernel_params = "agent.debug_console"')
        .replace('enable_template = true', 'enable_template = false'),
    );
    engine = await Engine.start({ open, closed: kataRuntime, console: onConsole }, 'open');
    tmux = new Tmux(engine);
    const { code, stdout, stderr } = await engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sleep', '10000']);
    assert.equal(code, 0, stderr);
    id = stdout.trim();
  });
  after(async () => {
    await tmux.close();
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  const shell = (...args: string[]): Promise<Outcome> => run(open, ['kata-shell', ...args]);

  it('is a terminal in the guest: its processes, its size, Ctrl-C, its exit code', async () => {
    await tmux.open(`${open} kata-shell ${id.slice(0, 12)}; echo left with $?; sleep 60`, 80, 24);
    await tmux.shows('a prompt', /^\/ #/m);
    await tmux.type('cat /proc/1/comm; ps -ef | grep -c "[s]leep 10000"; stty size', 'Enter');
    await tmux.shows("the guest's PID 1, the container's process, the size", /^kata-agent\n1\n24 80$/m);
    await tmux.type('echo begun; sleep 1000', 'Enter'); // keys that are typed before the command has started would be input of the next command
    await tmux.shows('the command', /^begun$/m);
    await tmux.type('C-c');
    await tmux.type('echo interrupted $?', 'Enter');
    await tmux.shows('Ctrl-C', /^interrupted 130$/m);
    await tmux.resize(100, 30);
    await tmux.type('stty size', 'Enter');
    await tmux.shows('the new size', /^30 100$/m);
    await tmux.type('exit 7', 'Enter');
    await tmux.shows('the exit code', /^left with 7$/m);
  });

  it('runs a command without a terminal, with its exit code and both streams', async () => {
    const { code, stdout, stderr } = await shell(id, 'sh', '-c', 'cat /proc/1/comm; echo err >&2; exit 3');
    assert.deepEqual([code, stdout, stderr], [3, 'kata-agent\n', 'err\n']);
  });

  it('does not count as a process of the container', async () => {
    const { stdout } = await engine.docker(['top', 'box']);
    assert.equal(stdout.trim().split('\n').length, 2, stdout);
  });

  it("another one is on the guest's console with agent.debug_console", async () => {
    const { stdout } = await engine.docker(['run', '-d', '--runtime', 'console', 'busybox', 'sleep', '10000']);
    const socket = connect(`/run/vc/vm/${stdout.trim()}/console.sock`);
    try {
      await once(socket, 'connect');
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
      socket.write('echo console-$((6 * 7))\n');
      await until('the shell answers', () => text.includes('console-42'));
    } finally {
      socket.destroy();
    }
  });

  it('is refused in a VM that was started without it, and the error names the key', async () => {
    const { stdout } = await engine.docker(['run', '-d', '--runtime', 'closed', 'busybox', 'sleep', '10000']);
    const { code, stderr } = await shell(stdout.trim(), 'true');
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^the VM of container [0-9a-f]{64} was started without a debugging shell: set debug_console_enabled = true in \[agent\.kata\] /,
    );
  });
});
