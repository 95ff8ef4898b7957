import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deleteLinks, restoreLinks } from './teardown.ts';

/** Programs that tell when they are run. */
describe("links of the host's own namespace", () => {
  const path = process.env['PATH'];
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'links-'));
    for (const name of ['ip', 'tc']) {
      writeFileSync(join(directory, name), `#!/bin/sh\necho run >>${directory}/ran\n`);
      chmodSync(join(directory, name), 0o755);
    }
    process.env['PATH'] = `${directory}:${path}`;
  });
  afterEach(() => {
    process.env['PATH'] = path;
    rmSync(directory, { recursive: true });
  });

  for (const netns of ['/proc/self/ns/net', '/proc/0/ns/net'])
    it(`are left alone: ${netns}`, async () => {
      await deleteLinks(netns, ['tap0_kata'], ['eth0']);
      await restoreLinks(netns, [{ name: 'eth0', mac: '02:00:00:00:00:01', addresses: [], up: true } as never]);
      assert.equal(existsSync(join(directory, 'ran')), false);
    });
});
