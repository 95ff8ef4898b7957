/** The initrd in place of the image. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { stage, variant } from '../support/staged.ts';

describe('a guest from the initrd', function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-initrd-'));
    const initrd = join(stage, 'usr/share/kata-containers/kata-containers-initrd.img');
    const runtime = variant(directory, 'initrd', (toml) =>
      toml.replace(/^image = .*$/m, 'image = ""').replace(/^#initrd = .*$/m, `initrd = "${initrd}"`),
    );
    engine = await Engine.start({ initrd: runtime }, 'initrd');
  });
  after(async () => {
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('runs a container', async () => {
    const { code, stdout, stderr } = await engine.docker(['run', '--rm', 'busybox', 'uname', '-r']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /-1\.container\n$/);
  });
});
