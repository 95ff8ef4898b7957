import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyAnnotations } from './annotations.ts';
import { configurationFile } from './configuration-file.ts';
import { loadConfiguration } from './load-configuration.ts';
import { schema } from './schema.ts';
import type { Configuration } from './schema.ts';

const HYPERVISOR = 'io.katacontainers.config.hypervisor.';

describe('annotations', () => {
  let root: string;
  let configuration: Configuration;
  const file = (name: string, text = name): string => {
    writeFileSync(join(root, name), text);
    return join(root, name);
  };
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'annotations-'));
    const overrides = {
      'hypervisor.qemu.path': file('qemu'),
      'hypervisor.qemu.kernel': file('kernel'),
      'hypervisor.qemu.image': file('image'),
      'hypervisor.qemu.valid_hypervisor_paths': [`${root}/qemu*`],
      'hypervisor.qemu.enable_annotations': [
        '^default_',
        'kernel',
        'path',
        'initrd',
        'hash',
        'cpu_features',
        'enable_iommu',
        'disable',
        'virtio_fs',
        'seccomp',
        'file_mem',
      ],
      'hypervisor.qemu.valid_virtio_fs_daemon_paths': ['/opt/*/virtiofsd'],
      'proxy.kata.path': file('proxy'),
      'shim.kata.path': file('shim'),
    };
    ({ configuration } = loadConfiguration(file('c.toml', configurationFile(overrides)), []));
  });
  after(() => rmSync(root, { recursive: true }));

  const hypervisor = (annotations: Readonly<Record<string, string>>): Configuration['hypervisor'] => {
    const prefixed = Object.fromEntries(Object.entries(annotations).map(([name, value]) => [HYPERVISOR + name, value]));
    return applyAnnotations(configuration, prefixed).configuration.hypervisor;
  };

  it('change only their keys', () => {
    const other = file('qemu-other');
    const changed = hypervisor({
      default_memory: '512',
      default_max_vcpus: '1',
      kernel_params: 'a=b',
      disable_image_nvdimm: 'true',
      path: other,
    });
    assert.deepEqual(changed, {
      ...configuration.hypervisor,
      default_memory: 512,
      default_maxvcpus: 1,
      kernel_params: 'a=b',
      disable_image_nvdimm: true,
      path: other,
    });
  });
  it('may set a virtiofsd path that matches the permitted paths', () =>
    assert.equal(hypervisor({ virtio_fs_daemon: '/opt/kata/virtiofsd' }).virtio_fs_daemon, '/opt/kata/virtiofsd'));
  it('replace the image by an initrd', () => {
    const initrd = file('initrd');
    assert.deepEqual([hypervisor({ initrd }).initrd, hypervisor({ initrd }).image], [initrd, '']);
  });
  it('of runtime and agent need no permission', () => {
    const annotations = {
      'io.katacontainers.config.runtime.disable_guest_seccomp': 'false',
      'io.katacontainers.config.agent.kernel_modules': 'one a=1; two',
      'other.io': 'x',
    };
    const { runtime, agent } = applyAnnotations(configuration, annotations).configuration;
    assert.deepEqual([runtime.disable_guest_seccomp, agent.kernel_modules], [false, ['one a=1', 'two']]);
  });
  it('that match no option are reported', () => {
    const annotations = { 'io.katacontainers.config.runtime.enable_debug': 'true', 'io.katacontainers.config.toString.name': 'x' };
    assert.deepEqual(applyAnnotations(configuration, annotations), {
      configuration,
      warnings: [
        'annotation io.katacontainers.config.toString.name matches no option that annotations can change',
        'annotation io.katacontainers.config.runtime.enable_debug matches no option that annotations can change',
      ],
    });
  });
  it('with a misspelt name are reported with the most similar name', () => {
    const [prefix, memory] = ['io.katacontainers.config.', 'io.katacontainers.config.hypervizor.defualt_memory'];
    const annotations = { [memory]: '512', [`${prefix}agent.kernel_module`]: 'x' };
    assert.deepEqual(applyAnnotations(configuration, annotations).warnings, [
      `annotation ${memory} matches no option that annotations can change: did you mean ${HYPERVISOR}default_memory?`,
      `annotation ${prefix}agent.kernel_module matches no option that annotations can change: did you mean ${prefix}agent.kernel_modules?`,
    ]);
  });

  it('named like a property of every JavaScript object match no option', () => {
    const names = ['config.constructor.x', 'config.hypervisor.default_.toString', 'config.runtime.toString', 'config.agent.__proto__'];
    const annotations = Object.fromEntries(names.map((name) => [`io.katacontainers.${name}`, 'x']));
    assert.deepEqual(applyAnnotations(configuration, annotations).configuration, configuration);
    const all = { ...configuration, hypervisor: { ...configuration.hypervisor, enable_annotations: ['.*'] } };
    const { warnings } = applyAnnotations(all, { [`${HYPERVISOR}valueOf`]: 'x' });
    assert.deepEqual(warnings, [`annotation ${HYPERVISOR}valueOf matches no option that annotations can change`]);
  });
  it('are refused if enable_annotations has an invalid pattern', () => {
    const broken = { ...configuration, hypervisor: { ...configuration.hypervisor, enable_annotations: ['('] } };
    assert.throws(
      () => applyAnnotations(broken, { [`${HYPERVISOR}kernel`]: 'x' }),
      /^KataError: enable_annotations has "\(", which is not a regular expression$/,
    );
  });

  it('must contain the hash of the file', () => {
    const sha512 = createHash('sha512').update('kernel').digest('hex');
    assert.equal(hypervisor({ kernel_hash: sha512.toUpperCase() }).kernel, configuration.hypervisor.kernel);
    assert.throws(() => hypervisor({ kernel_hash: '00' }), /kernel does not have the SHA-512 of annotation .*kernel_hash/);
  });

  it('cannot change keys of the confinement', () => {
    const open = { ...configuration, hypervisor: { ...configuration.hypervisor, enable_annotations: ['.*'] } };
    const keys = Object.entries(schema['hypervisor.qemu']).filter(([, { description }]) =>
      /annotations cannot\s+change/i.test(description),
    );
    assert.equal(keys.length, 8);
    for (const [name] of keys) {
      const annotation = `${HYPERVISOR}${name}`;
      assert.throws(() => applyAnnotations(open, { [annotation]: 'false' }), {
        message: `annotation ${annotation} is not enabled: no annotation can change this key`,
      });
    }
  });

  it('are refused with the key to set, also by their other names', () => {
    const closed = { ...configuration, hypervisor: { ...configuration.hypervisor, enable_annotations: [] } };
    for (const name of ['kernel_hash', 'default_max_vcpus', 'default_memory'])
      assert.throws(() => applyAnnotations(closed, { [`${HYPERVISOR}${name}`]: '1' }), {
        message: `annotation ${HYPERVISOR}${name} is not enabled: no pattern of enable_annotations in [hypervisor.qemu] matches ${name}`,
      });
  });

  const refusals: [name: string, value: string, error: RegExp][] = [
    [
      'image',
      '/etc/shadow',
      /^annotation io.katacontainers.config.hypervisor.image is not enabled: no pattern of enable_annotations in \[hypervisor.qemu\] matches image$/,
    ],
    ['defualt_memory', '512', /defualt_memory is not enabled: did you mean io.katacontainers.config.hypervisor.default_memory\?$/],
    ['unheard-of', '1', /unheard-of is not enabled: it matches no key of \[hypervisor.qemu\]$/],
    ['enable_annotations', '.*', /enable_annotations is not enabled/],
    ['valid_hypervisor_paths', '*', /valid_hypervisor_paths is not enabled/],
    ['path', '/bin/sh', /^hypervisor \/bin\/sh required from annotation is not valid$/],
    [
      'default_vcpus',
      '100000',
      new RegExp(`^Number of cpus 100000 specified in annotation default_vcpus is greater than .* ${availableParallelism()} on`),
    ],
    ['virtio_fs_daemon', '/tmp/virtiofsd', /^virtiofs daemon \/tmp\/virtiofsd required from annotation is not valid$/],
    ['virtio_fs_extra_args', '-o source=/', /virtio_fs_extra_args is not enabled/],
    ['seccompsandbox', '', /seccompsandbox is not enabled/],
    ['valid_virtio_fs_daemon_paths', '*', /valid_virtio_fs_daemon_paths is not enabled/],
    ['file_mem_backend', '/etc', /^file memory backend \/etc required from annotation is not valid$/],
    ['default_memory', 'much', /Error parsing annotation for .*default_memory: Please specify a whole number/],
    ['disable_vhost_net', 'yes', /Error parsing annotation for .*disable_vhost_net: Please specify boolean value 'true\|false'/],
    ['default_bridges', '9', /default_bridges = "9": must be at most 5$/],
    ['kernel', '/nowhere', /\/nowhere is missing/],
  ];
  for (const [name, value, error] of refusals)
    it(`${name} = ${value} is refused`, () =>
      assert.throws(
        () => hypervisor({ [name]: value }),
        (thrown: Error) => error.test(thrown.message),
      ));
});
