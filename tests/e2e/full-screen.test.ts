/** Full-screen programs: output, keys, size, and the restored screen. */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime } from '../support/staged.ts';
import { Tmux } from './tmux.ts';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`full-screen programs with ${runtime}`, function () {
    this.timeout(120_000);
    let engine: Engine;
    let tmux: Tmux;
    before(async () => {
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      tmux = new Tmux(engine);
      const { code, stderr } = await engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sleep', '10000']);
      assert.equal(code, 0, stderr);
    });
    afterEach(() => tmux.close());
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), []);
    });
    const waitForSize = 'until stty size 2>/dev/null | grep -q "24 80"; do sleep 0.1; done';

    it('vi shows and saves the typed text, and returns to the shell', async () => {
      await tmux.open(`docker exec -it -e TERM=screen box sh -c '${waitForSize}; vi /tmp/note'; echo left with $?; sleep 60`);
      await tmux.resizeUntil(80, 24, 'an empty file', /^~\n(~\n)+/m);
      await tmux.type('i', 'first line', 'Enter', 'second line', 'Escape');
      await tmux.shows('the text', /^first line\nsecond line\n~/m);
      assert.equal((await tmux.screen()).replace(/\n$/, '').split('\n').length, 24);
      await tmux.type('k', 'd', 'd', ':', 'w', 'q', 'Enter');
      await tmux.shows('the exit code', /^left with 0$/m);
      assert.equal((await engine.docker(['exec', 'box', 'cat', '/tmp/note'])).stdout, 'second line\n');
    });

    it('top draws its table, and exits on q', async () => {
      await tmux.open(`docker exec -it -e TERM=screen box sh -c '${waitForSize}; top -d 1'; echo left with $?; sleep 60`);
      await tmux.resizeUntil(80, 24, 'the table', /^Mem: .*\n.*\nLoad average: .*\n\s*PID\s+PPID USER/m);
      await tmux.shows('the container’s processes', /sleep 10000/);
      await tmux.type('q');
      await tmux.shows('the exit code', /^left with 0$/m);
    });
  });
}
