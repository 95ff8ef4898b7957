import assert from 'node:assert/strict';
import { parseConfiguration } from '../../configuration/parse-configuration.ts';
import { effectiveToml, effectiveValues } from './effective-configuration.ts';

const [path, dropIn] = ['/etc/kata/configuration.toml', '/etc/kata/config.d/10.toml'];
const parsed = parseConfiguration(
  { path, text: '[hypervisor.qemu]\npath = ""\nkernel = "/k"\n' },
  { path: dropIn, text: '[hypervisor.qemu]\n  default_memory = 512 # less\n' },
);
const hypervisor = { ...parsed.configuration.hypervisor, path: '/usr/bin/qemu' };
const loaded = { ...parsed, path, files: [path, dropIn], configuration: { ...parsed.configuration, hypervisor } };

describe('the effective configuration', () => {
  const lines = effectiveToml(loaded).split('\n');
  const cases: [name: string, line: string][] = [
    ['files that were read', '# read: /etc/kata/config.d/10.toml'],
    ['a key of the file', 'kernel = "/k"                                # configuration.toml:3:1'],
    ['a key of a drop-in', 'default_memory = 512                         # config.d/10.toml:2:3'],
    ['a default', 'default_vcpus = 1                            # default'],
    ['a program that was searched for', 'path = "/usr/bin/qemu"                       # default, the first that exists'],
  ];
  for (const [name, line] of cases) it(`has ${name}`, () => assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`));

  it('is TOML with the same values', () => {
    const again = parseConfiguration({ path, text: effectiveToml(loaded) });
    assert.deepEqual([again.problems, again.warnings, again.configuration.hypervisor], [[], [], hypervisor]);
  });
  it('omits keys without an effect', () => assert.ok(!lines.some((line) => line.startsWith('enable_iommu '))));
  it('has origins with full paths as JSON', () =>
    assert.deepEqual(effectiveValues(loaded)['hypervisor.qemu']?.['default_memory'], { value: 512, origin: `${dropIn}:2:3` }));
});
