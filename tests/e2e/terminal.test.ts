/** Terminals as people have them: a real pty under tmux, resized, interrupted, attached and left. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from './engine.ts';
import { run, until } from './run.ts';
import { leftovers } from './leftovers.ts';
import { kataRuntime } from './staged.ts';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`terminals with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let server = '';
    const tmux = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run(
        'tmux',
        ['-L', server, '-f', join(engine.directory, 'tmux.conf'), ...args],
        {},
        engine.environment,
      );
      assert.equal(code, 0, stderr);
      return stdout;
    };
    const type = (...keys: string[]): Promise<string> => tmux('send-keys', ...keys);
    const screen = (): Promise<string> => tmux('capture-pane', '-p');
    const shows = (what: string, pattern: RegExp): Promise<void> =>
      until(what, async () => pattern.test(await screen()), 30_000).catch(async (error: unknown) => {
        throw new Error(`the screen shows:\n${await screen()}`, { cause: error });
      });
    const open = (command: string): Promise<string> => tmux('new-session', '-d', '-x', '100', '-y', '30', command);

    before(async () => {
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      writeFileSync(join(engine.directory, 'tmux.conf'), 'set -g status off\n');
      server = `kata-e2e-${process.pid}-${runtime}`;
    });
    afterEach(() => run('tmux', ['-L', server, 'kill-server']));
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), []);
    });

    it('docker run -it: prompt, size, resize, Ctrl-C, exit code', async () => {
      await open('docker run -it --rm busybox sh; echo left with $?; sleep 60');
      await shows('the prompt', /^\/ #/m);
      await type('stty size', 'Enter');
      await shows('the size', /^30 100$/m);
      await tmux('resize-window', '-x', '120', '-y', '40');
      await type('until stty size | grep "40 120"; do sleep 0.1; done', 'Enter');
      await shows('the new size, and the prompt', /^40 120\n\/ #/m);
      await type('tty; sleep 100', 'Enter');
      await shows('the terminal', /^\/dev\/(pts\/\d+|console)$/m);
      await type('C-c');
      // The shell asks the terminal where its cursor is. An answer that comes after the command has begun is echoed before the ^C.
      await shows('the prompt again', /^(\^\[\[\d+;\d+R)*\^C\n\/ #/m);
      await type('exit 5', 'Enter');
      await shows('the exit code', /^left with 5$/m);
    });

    it('docker exec -it and docker attach', async () => {
      const started = await engine.docker(['run', '-dit', '--name', 'term', 'busybox', 'sh']);
      assert.equal(started.code, 0, started.stderr);
      // docker 20.10 may fail to tell an exec's terminal its first size, with every runtime: a change always arrives.
      const script = 'echo begin; until stty size 2>/dev/null | grep "25 90"; do sleep 0.1; done; read x; echo got $x; exit 3';
      await open(`docker exec -it term sh -c '${script}'; echo left with $?; sleep 60`);
      await shows('the start', /^begin$/m);
      await tmux('resize-window', '-x', '90', '-y', '25');
      await shows('the size', /^25 90$/m);
      await type('line', 'Enter');
      await shows('the answer', /^got line$/m);
      await shows('the exit code', /^left with 3$/m);
      await tmux('kill-server');
      await open('docker attach term; echo detached; sleep 60');
      await type('echo typed', 'Enter');
      await shows('the echo', /^typed$/m);
      await type('C-p', 'C-q');
      await shows('detaching', /^(read escape sequence\n)?detached$/m);
      assert.match((await engine.docker(['inspect', '-f', '{{.State.Running}}', 'term'])).stdout, /true/);
      await engine.docker(['rm', '-f', 'term']);
    });
  });
}
