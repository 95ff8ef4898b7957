/** Terminals of docker on a pty of tmux: resize, Ctrl-C, attach and detach. */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime } from '../support/staged.ts';
import { Tmux } from './tmux.ts';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`terminals with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let tmux: Tmux;
    before(async () => {
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      tmux = new Tmux(engine);
    });
    afterEach(() => tmux.close());
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), []);
    });

    it('docker run -it: prompt, size, resize, Ctrl-C, exit code', async () => {
      await tmux.open('docker run -it --rm busybox sh; echo left with $?; sleep 60');
      await tmux.shows('the prompt', /^\/ #/m);
      // docker's client sets the size after the start: the prompt may be printed before.
      await tmux.type('until stty size 2>/dev/null | grep "30 100"; do sleep 0.1; done', 'Enter');
      await tmux.shows('the size, and the prompt', /^30 100\n\/ #/m);
      await tmux.resize(120, 40);
      await tmux.type('until stty size | grep "40 120"; do sleep 0.1; done', 'Enter');
      await tmux.shows('the new size, and the prompt', /^40 120\n\/ #/m);
      await tmux.type('tty; sleep 100', 'Enter');
      await tmux.shows('the terminal', /^\/dev\/(pts\/\d+|console)$/m);
      await tmux.type('C-c');
      await tmux.shows('the prompt again', /^\^C\n\/ #/m);
      await tmux.type('exit 5', 'Enter');
      await tmux.shows('the exit code', /^left with 5$/m);
    });

    it('docker exec -it and docker attach', async () => {
      const started = await engine.docker(['run', '-dit', '--name', 'term', 'busybox', 'sh']);
      assert.equal(started.code, 0, started.stderr);
      const script = 'echo begin; until stty size 2>/dev/null | grep "25 90"; do sleep 0.1; done; read x; echo got $x; exit 3';
      await tmux.open(`docker exec -it term sh -c '${script}'; echo left with $?; sleep 60`);
      await tmux.shows('the start', /^begin$/m);
      await tmux.resizeUntil(90, 25, 'the size', /^25 90$/m);
      await tmux.type('line', 'Enter');
      await tmux.shows('the answer', /^got line$/m);
      await tmux.shows('the exit code', /^left with 3$/m);
      await tmux.close();
      await tmux.open('docker attach term; echo detached; sleep 60');
      await tmux.type('echo typed', 'Enter');
      await tmux.shows('the echo', /^typed$/m);
      await tmux.type('C-p', 'C-q');
      await tmux.shows('detaching', /^(read escape sequence\n)?detached$/m);
      assert.match((await engine.docker(['inspect', '-f', '{{.State.Running}}', 'term'])).stdout, /true/);
      await engine.docker(['rm', '-f', 'term']);
    });
  });
}
