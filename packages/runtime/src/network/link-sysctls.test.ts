import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { linkSettings } from './link-sysctls.ts';

describe('settings of a link', () => {
  it('a link that is missing has IPv6 off, and no sysctls', () => {
    const { ipv6, sysctls } = linkSettings()('no-such-link');
    assert.deepEqual([ipv6.isDisabled, ipv6.acceptsAdvertisements, sysctls], [true, false, undefined]);
  });
  it('sysctls are those without the value of a new link', function () {
    // The kernel gives the loopback other values than a new link (addrconf.c and devinet.c).
    if (!existsSync('/proc/sys/net/ipv4/conf/lo/disable_xfrm')) this.skip();
    assert.deepEqual(
      Object.entries(linkSettings()('lo').sysctls ?? {}).filter(([name]) => name.startsWith('ipv4/conf/disable')),
      [
        ['ipv4/conf/disable_policy', '1'],
        ['ipv4/conf/disable_xfrm', '1'],
      ],
    );
  });
});
