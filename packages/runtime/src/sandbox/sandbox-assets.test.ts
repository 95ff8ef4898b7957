import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import { configuredAssets, runningAssets, staleAssets } from './sandbox-assets.ts';

const now = configuredAssets(
  parseConfiguration({ path: '/c.toml', text: '[hypervisor.qemu]\npath = "/q"\nkernel = "/k2"\nimage = ""\ninitrd = "/i"\n' })
    .configuration,
);

describe('assets', () => {
  it('include an initrd as image', () => assert.deepEqual(now, { hypervisor: '/q', kernel: '/k2', image: '/i' }));
  it('are read from a process', () =>
    assert.deepEqual(runningAssets(process.pid), { hypervisor: process.execPath, kernel: '', image: '' }));
  const cases: [name: string, kernel: string, image: string, stale: string[]][] = [
    ['the same', '/k2', '/i', []],
    ['an older kernel', '/k1', '/i', ['kernel']],
    ['all older', '/k1', '/i0', ['kernel', 'image']],
    ['nothing known', '', '', []],
  ];
  for (const [name, kernel, image, stale] of cases)
    it(`stale: ${name}`, () => assert.deepEqual(staleAssets({ hypervisor: '/q', kernel, image }, now), stale));

  describe('of files', () => {
    let directory = '';
    const file = (name: string, text: string): string => {
      writeFileSync(join(directory, name), text);
      return join(directory, name);
    };
    beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'assets-'))));
    afterEach(() => rmSync(directory, { recursive: true }));

    it('with other paths and the same bytes are not stale', () => {
      const [old, latest, other] = [file('a', 'same'), file('b', 'same'), file('c', 'else')];
      const assets = (kernel: string): typeof now => ({ hypervisor: '/q', kernel, image: '/i' });
      assert.deepEqual(staleAssets(assets(old), assets(latest)), []);
      assert.deepEqual(staleAssets(assets(old), assets(other)), ['kernel']);
    });
    it('with the same path are stale if they were replaced after the start of the VM', () => {
      const assets = { hypervisor: '/q', kernel: file('k', 'x'), image: '' };
      const { ctimeMs } = statSync(assets.kernel);
      assert.deepEqual(staleAssets(assets, assets, ctimeMs), []);
      assert.deepEqual(staleAssets(assets, assets, ctimeMs - 1001), ['kernel']);
    });
  });
});
