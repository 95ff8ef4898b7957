import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeLinkSysctls } from './link-sysctls.ts';

describe('sysctls of a link', () => {
  let root = '';
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'link-sysctls-'));
    mkdirSync(join(root, 'ipv4/conf/eth0.5'), { recursive: true });
    writeFileSync(join(root, 'ipv4/conf/eth0.5/rp_filter'), '0');
    writeFileSync(join(root, 'outside'), '0');
  });
  after(() => rmSync(root, { recursive: true }));

  it('are written to the files of the link', () => {
    assert.deepEqual(writeLinkSysctls(root, 'eth0.5', { 'ipv4/conf/rp_filter': '2' }), []);
    assert.equal(readFileSync(join(root, 'ipv4/conf/eth0.5/rp_filter'), 'latin1'), '2');
  });
  for (const name of ['ipv4/conf/new_in_the_host', 'ipv6/conf/forwarding', '../outside', 'ipv4/conf/../../../outside', 'core/somaxconn'])
    it(`${name} is returned and not written`, () => {
      const [refused = ''] = writeLinkSysctls(root, 'eth0.5', { [name]: '1' });
      assert.ok(refused.startsWith(`${name}: `), refused);
      assert.equal(readFileSync(join(root, 'outside'), 'latin1'), '0');
    });
});
