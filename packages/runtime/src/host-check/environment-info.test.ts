import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseConfiguration } from '../configuration/parse-configuration.ts';
import { goToml } from './go-toml.ts';
import { environmentInfo } from './environment-info.ts';
import type { EnvironmentFacts } from './environment-info.ts';

const facts: EnvironmentFacts = {
  configuration: parseConfiguration({
    path: '/c.toml',
    text: '[hypervisor.qemu]\npath = "/usr/bin/qemu-system-x86_64"\nkernel_params = "a=1 b"\n',
  }).configuration,
  configurationPath: '/etc/kata-containers/configuration.toml',
  dropIns: ['/etc/kata-containers/config.d/10.toml'],
  program: '/usr/bin/kata-runtime',
  version: '1.13.0-ts.1',
  commit: 'abcdef',
  ociVersion: '1.0.2',
  hypervisorVersion: 'QEMU emulator version 7.2.0 (x)',
  proxyVersion: 'kata-proxy version 1.13.0-ts.1',
  shimVersion: undefined,
  agentVersion: '1.13.0-ts.1',
  accelerator: 'kvm',
  host: {
    ...{ kernel: '6.1.0', architecture: 'amd64', distroName: 'Debian GNU/Linux', distroVersion: '12', cpuVendor: 'AuthenticAMD' },
    ...{ cpuModel: 'AMD "EPYC"', isCapable: false, hasVsock: true },
  },
};
const golden = (name: string): string => readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8');

describe('environmentInfo', () => {
  it("is written as TOML in 1.x's columns", () => assert.equal(goToml(environmentInfo(facts)), golden('kata-env.toml')));
  it("is written as JSON with 1.x's keys in their order", () =>
    assert.equal(`${JSON.stringify(environmentInfo(facts), null, 2)}\n`, golden('kata-env.json')));
  it('has paths in the columns that scripts read', () => {
    const text = goToml(environmentInfo(facts));
    assert.match(text, /^\[Hypervisor\]\n(?: {2}.*\n)*? {2}Path = "\/usr\/bin\/qemu-system-x86_64"$/m);
    assert.match(text, /^ {2}\[Runtime\.Config\]\n {4}Path = "\/etc\/kata-containers\/configuration\.toml"$/m);
  });
});
