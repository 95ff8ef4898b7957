import assert from 'node:assert/strict';
import { readHost } from './read-host.ts';

const files = (table: Readonly<Record<string, string>>) => ({
  exists: (path: string) => path in table,
  read: (path: string) => table[path] ?? assert.fail(path),
});
const cpuinfo = 'vendor_id\t: GenuineIntel\nmodel name\t: Some CPU\nflags\t\t: vmx lm sse4_1\n';

describe('readHost', () => {
  it('reads facts from files', () => {
    const host = files({
      '/etc/os-release': 'PRETTY_NAME="x"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\n',
      '/proc/cpuinfo': cpuinfo,
      '/proc/version': 'Linux version 6.1.0-9-amd64 (debian) #1 SMP\n',
      '/dev/vhost-vsock': '',
      ...Object.fromEntries(['kvm', 'kvm_intel', 'vhost', 'vhost_net'].map((name) => [`/sys/module/${name}`, ''])),
      '/sys/module/kvm_intel/parameters/unrestricted_guest': 'Y\n',
    });
    assert.deepEqual(readHost({ files: host, architecture: 'x64' }), {
      kernel: '6.1.0-9-amd64',
      architecture: 'amd64',
      distroName: 'Debian GNU/Linux',
      distroVersion: '12',
      cpuVendor: 'GenuineIntel',
      cpuModel: 'Some CPU',
      isCapable: true,
      hasVsock: true,
    });
  });
  it('reports unknown facts', () => {
    const host = files({ '/proc/cpuinfo': 'Features : fp\n', '/proc/version': 'Linux', '/usr/lib/os-release': 'NAME=Alpine\n' });
    const { kernel, distroName, distroVersion, cpuVendor, isCapable } = readHost({ files: host, architecture: 'arm64' });
    assert.deepEqual(
      [kernel, distroName, distroVersion, cpuVendor, isCapable],
      ['<<unknown>>', 'Alpine', '<<unknown>>', '<<unknown>>', false],
    );
  });
});
