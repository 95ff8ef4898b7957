import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expectedLinks } from './expected-links.ts';

describe('expectedLinks', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'hosts-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const withHosts = (text: string, source = join(directory, 'hosts')) => {
    writeFileSync(join(directory, 'hosts'), text);
    return { hostname: 'c1', mounts: [{ destination: '/etc/hosts', type: 'bind', source, options: [] }] };
  };
  const usual = '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\nfe00::0\tip6-localnet\n';

  for (const [name, lines, count] of [
    ['--network none', '', 0],
    ['one network', '172.17.0.2\tc1\n', 1],
    ['one network with IPv6', '172.17.0.2\tc1\nfd00::2\tc1\n', 1],
    ['two networks', '172.17.0.4\tc1\n172.18.0.4\tc1\n', 2],
    ['--domainname', '172.17.0.2\tc1.example.org c1\n', 1],
    ['--add-host', '1.2.3.4\tx\n172.17.0.2\tc1\n', 1],
  ] as const)
    it(`${name}: ${count}`, () => assert.equal(expectedLinks(withHosts(usual + lines)), count));

  it('is unknown without a hosts file, without a host name, and for another kind of file', () => {
    execFileSync('mkfifo', [join(directory, 'fifo')]);
    const { hostname, mounts } = withHosts(usual);
    for (const spec of [
      { hostname },
      { mounts },
      withHosts('', directory),
      withHosts('', join(directory, 'fifo')),
      withHosts('', '/nonexistent'),
    ])
      assert.equal(expectedLinks(spec), undefined);
  });
});
