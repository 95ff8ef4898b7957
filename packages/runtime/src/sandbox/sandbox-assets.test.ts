import assert from 'node:assert/strict';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import { configuredAssets, runningAssets, staleAssets } from './sandbox-assets.ts';

const now = configuredAssets(
  parseConfiguration({ path: '/c.toml', text: '[hypervisor.qemu]\npath = "/q"\nkernel = "/k2"\nimage = ""\ninitrd = "/i"\n' })
    .configuration,
);

describe('assets', () => {
  it('an initrd is an image too', () => assert.deepEqual(now, { hypervisor: '/q', kernel: '/k2', image: '/i' }));
  it('of a process', () => assert.deepEqual(runningAssets(process.pid), { hypervisor: process.execPath, kernel: '', image: '' }));
  const cases: [name: string, kernel: string, image: string, stale: string[]][] = [
    ['the same', '/k2', '/i', []],
    ['an older kernel', '/k1', '/i', ['kernel']],
    ['all older', '/k1', '/i0', ['kernel', 'image']],
    ['nothing known', '', '', []],
  ];
  for (const [name, kernel, image, stale] of cases)
    it(`stale: ${name}`, () => assert.deepEqual(staleAssets({ hypervisor: '/q', kernel, image }, now), stale));
});
