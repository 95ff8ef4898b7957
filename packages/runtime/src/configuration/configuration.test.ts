import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigurationError } from '@kata-containers/common/errors/kata-error';
import { configurationFile } from './configuration-file.ts';
import { loadConfiguration } from './load-configuration.ts';
import { nearest } from './nearest-name.ts';
import { parseConfiguration as parseFiles } from './parse-configuration.ts';
import type { ParsedConfiguration } from './parse-configuration.ts';
import { schema } from './schema.ts';

const parseConfiguration = (text: string): ParsedConfiguration => parseFiles({ path: '/c.toml', text });

describe('parseConfiguration', () => {
  it('returns the defaults for an empty file', () => {
    const { configuration, problems, warnings } = parseConfiguration('');
    assert.equal(configuration.hypervisor.default_memory, schema['hypervisor.qemu'].default_memory.default);
    assert.deepEqual([problems, warnings], [[], []]);
  });

  const wrong: [name: string, text: string, key: string, problem: RegExp, place?: string, written?: string][] = [
    ['not TOML', '[hypervisor', '', /is not TOML/, '/c.toml:1:2', '[hypervisor'],
    [
      'a string for an integer',
      '[hypervisor.qemu]\ndefault_memory = "2048"',
      'hypervisor.qemu.default_memory',
      /^must be an integer of MiB$/,
      '/c.toml:2:18',
      '"2048"',
    ],
    [
      'a number out of range',
      '[hypervisor.qemu]\ndefault_bridges = 9',
      'hypervisor.qemu.default_bridges',
      /at most 5/,
      '/c.toml:2:19',
      '9',
    ],
    ['too little memory', '[hypervisor.qemu]\ndefault_memory = 16', 'hypervisor.qemu.default_memory', /^must be at least 256 MiB$/],
    [
      'an unknown value',
      '[runtime]\ninternetworking_model = "magic"',
      'runtime.internetworking_model',
      /^must be one of default, tcfilter, macvtap, none$/,
    ],
    ['a value for a parent of tables', 'hypervisor = 3', 'hypervisor', /^must be a table$/, '/c.toml:1:14', '3'],
    ['a value for a table', '[hypervisor]\nqemu = "x"', 'hypervisor.qemu', /^must be a table$/, '/c.toml:2:8', '"x"'],
    ['a list of tables', '[[runtime]]\nenable_debug = true', 'runtime', /^must be a table$/, '/c.toml:1:3', '[[runtime]]'],
    ['a list with a wrong type', '[agent.kata]\nkernel_modules = [1]', 'agent.kata.kernel_modules', /list of strings/],
  ];
  for (const [name, text, key, problem, place, written] of wrong) {
    it(`${name} is a problem`, () => {
      const [found, ...rest] = parseConfiguration(text).problems;
      assert.equal(found?.key, key);
      assert.match(found?.problem ?? '', problem);
      if (place !== undefined) assert.deepEqual([found?.place, found?.text], [place, written]);
      assert.deepEqual(rest, []);
    });
  }

  it('warns about unknown keys and tables, with the most similar name', () => {
    const { warnings, problems } = parseConfiguration(
      '[hypervisor.qemu]\ndefault_memroy = 1\n[hypervizor]\n[factory]\nenable_template = true',
    );
    assert.deepEqual(warnings, [
      '/c.toml:2:1: unknown key hypervisor.qemu.default_memroy: did you mean default_memory?',
      '/c.toml:3:2: unknown table hypervizor',
    ]);
    assert.deepEqual(problems, []);
  });

  it('warns about an unknown table, not about a table of 1.x', () => {
    const { warnings } = parseConfiguration('[hypervisor.qemo]\nx = 1\n[netmon]\npath = "/n"\n');
    assert.deepEqual(warnings, ['/c.toml:1:2: unknown table hypervisor.qemo: did you mean hypervisor.qemu?']);
  });

  it('accepts 0 for the default memory', () => {
    assert.deepEqual(parseConfiguration('[hypervisor.qemu]\ndefault_memory = 0').problems, []);
  });

  it('changes single keys by a later file and records the file', () => {
    const { configuration, origins } = parseFiles(
      { path: '/c.toml', text: '[factory]\nvm_cache_number = 1\ntemplate_path = "/t"' },
      { path: '/d.toml', text: 'factory.vm_cache_number = 2' },
    );
    assert.deepEqual([configuration.factory.vm_cache_number, configuration.factory.template_path], [2, '/t']);
    const placed = (key: string): unknown[] => [origins.get(key)?.file, origins.get(key)?.place?.line];
    assert.deepEqual(placed('factory.vm_cache_number'), ['/d.toml', 1]);
    assert.deepEqual(placed('factory.template_path'), ['/c.toml', 3]);
    assert.equal(origins.has('factory.enable_template'), false);
  });

  it('records only the file for a key of an inline table', () => {
    const [problem] = parseConfiguration('factory = { vm_cache_number = "x" }').problems;
    assert.deepEqual([problem?.key, problem?.place], ['factory.vm_cache_number', '/c.toml']);
  });
});

describe('nearest', () => {
  it('returns nothing without a similar name', () => assert.equal(nearest('colour', ['path', 'kernel']), undefined));
});

describe('configurationFile', () => {
  it('parses back to the defaults', () => {
    const parsed = parseConfiguration(configurationFile());
    assert.deepEqual(parsed.configuration, parseConfiguration('').configuration);
    assert.deepEqual([parsed.problems, parsed.warnings], [[], []]);
  });
  it('contains overrides', () => {
    const { configuration } = parseConfiguration(configurationFile({ 'shim.kata.path': '/s', 'hypervisor.qemu.default_memory': 512 }));
    assert.deepEqual([configuration.shim.path, configuration.hypervisor.default_memory], ['/s', 512]);
  });
  it('causes a warning for a key that is set and has no effect', () => {
    assert.deepEqual(parseConfiguration('[hypervisor.qemu]\nenable_iommu = true\nenable_swap = false').warnings, [
      '/c.toml:2:1: hypervisor.qemu.enable_iommu has no effect: devices of the host are not passed through',
    ]);
  });
  it("keeps 1.x's `#key = value` form, which scripts edit", () => {
    const text = configurationFile();
    for (const line of ['#enable_debug = false', 'default_vcpus = 1', '[hypervisor.qemu]'])
      assert.ok(text.split('\n').includes(line), line);
  });
});

describe('loadConfiguration', () => {
  let root = '';
  const file = (name: string, text = 'x'): string => {
    writeFileSync(join(root, name), text);
    return join(root, name);
  };
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'configuration-'))));
  afterEach(() => rmSync(root, { recursive: true }));

  const paths = (): Record<string, string> =>
    Object.fromEntries([
      ...['path', 'kernel', 'image'].map((key): [string, string] => [`hypervisor.qemu.${key}`, file(key)]),
      ['proxy.kata.path', file('proxy')],
      ['shim.kata.path', file('shim')],
    ]);

  it('reports an empty file, which QEMU and the kernel would not name', () => {
    const path = file('c.toml', configurationFile(paths()));
    file('kernel', '');
    assert.throws(
      () => loadConfiguration(path, []),
      /c\.toml:\d+:\d+: hypervisor\.qemu\.kernel = \S+: \S+kernel is empty: install it again$/,
    );
  });

  it('resolves links', () => {
    const target = file('kernel-1');
    symlinkSync(target, join(root, 'link'));
    const path = file('c.toml', configurationFile({ ...paths(), 'hypervisor.qemu.kernel': join(root, 'link') }));
    assert.equal(loadConfiguration(path, []).configuration.hypervisor.kernel, target);
  });

  it('reports all problems together', () => {
    const path = file('c.toml', configurationFile({ ...paths(), 'hypervisor.qemu.kernel': '/nowhere/k', 'shim.kata.path': '/nowhere/s' }));
    assert.throws(
      () => loadConfiguration(path, []),
      (error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.deepEqual(
          error.problems.map(({ key }) => key),
          ['hypervisor.qemu.kernel', 'shim.kata.path'],
        );
        return true;
      },
    );
  });

  it('uses the first existing QEMU for an empty path', () => {
    const places = schema['hypervisor.qemu'].path.places ?? [];
    const path = file('c.toml', configurationFile({ ...paths(), 'hypervisor.qemu.path': '' }));
    const first = places.find((place) => existsSync(place));
    if (first === undefined) assert.throws(() => loadConfiguration(path, []), /none of .*qemu-lite.* exists/);
    else assert.equal(loadConfiguration(path, []).configuration.hypervisor.path, realpathSync(first));
  });

  it('refuses both image and initrd, and neither', () => {
    const both = file('b.toml', configurationFile({ ...paths(), 'hypervisor.qemu.initrd': file('initrd') }));
    const neither = file('n.toml', configurationFile({ ...paths(), 'hypervisor.qemu.image': '' }));
    assert.throws(() => loadConfiguration(both, []), /both an image and an initrd/);
    assert.throws(() => loadConfiguration(neither, []), /Either initrd or image/);
  });

  it('takes the first existing default path and throws if none exists', () => {
    const path = file('c.toml', configurationFile(paths()));
    assert.equal(loadConfiguration(undefined, ['/nowhere/c.toml', path]).path, path);
    assert.throws(() => loadConfiguration(undefined, ['/nowhere/c.toml']), /the file does not exist/);
    assert.throws(() => loadConfiguration('/nowhere/named.toml', []), /named.toml/);
  });

  it('changes single keys by the files in config.d, in the order of their names', () => {
    const path = file('c.toml', configurationFile(paths()));
    mkdirSync(join(root, 'config.d'));
    file('config.d/20-more.toml', '[hypervisor.qemu]\ndefault_memory = 1024\n');
    file('config.d/10-first.toml', '[hypervisor.qemu]\ndefault_memory = 512\ndefault_vcpus = 2\n');
    file('config.d/README', 'not TOML');
    const { hypervisor } = loadConfiguration(path, []).configuration;
    assert.deepEqual([hypervisor.default_memory, hypervisor.default_vcpus, hypervisor.image], [1024, 2, join(root, 'image')]);
    file('config.d/30-broken.toml', '[hypervisor.qemu\n');
    assert.throws(() => loadConfiguration(path, []), /config\.d\/30-broken\.toml:1:17: is not TOML: .* in "\[hypervisor\.qemu"$/);
    file('config.d/30-broken.toml', '[hypervisor.qemu]\ndefault_memory = "512"\nkernel = "/nowhere"\n');
    assert.throws(
      () => loadConfiguration(path, []),
      /30-broken\.toml:2:18: hypervisor\.qemu\.default_memory = "512": must be an integer of MiB; .*30-broken\.toml:3:10: hypervisor\.qemu\.kernel = "\/nowhere": \/nowhere is missing$/,
    );
  });

  it('reports nothing else of a file that is not TOML: its values are not known', () => {
    const path = join(root, 'broken.toml');
    writeFileSync(path, '[hypervisor.qemu]\nkernel = "/missing"\n[runtime\n');
    assert.throws(() => loadConfiguration(path, []), /^ConfigurationError: configuration \S+:3:9: is not TOML: .* in "\[runtime"$/);
  });

  it('applies drop-ins in /etc to the file of the package', () => {
    for (const name of ['etc/config.d', 'usr/config.d']) mkdirSync(join(root, name), { recursive: true });
    const [etc, usr] = [join(root, 'etc/c.toml'), file('usr/c.toml', configurationFile(paths()))];
    const [inUsr, inEtc] = [
      file('usr/config.d/90.toml', '[factory]\nvm_cache_number = 3\n'),
      file('etc/config.d/10.toml', '[factory]\nvm_cache_number = 4'),
    ];
    const loaded = loadConfiguration(undefined, [etc, usr]);
    assert.deepEqual([loaded.path, loaded.files], [usr, [usr, inUsr, inEtc]]);
    assert.equal(loaded.configuration.factory.vm_cache_number, 4);
    file('etc/c.toml', configurationFile(paths()));
    assert.deepEqual(loadConfiguration(undefined, [etc, usr]).files, [etc, inEtc]);
    assert.deepEqual(loadConfiguration(usr, [etc, usr]).files, [usr, inUsr]);
  });

  it('applies drop-ins without another file', () => {
    mkdirSync(join(root, 'config.d'));
    const values = Object.entries(paths()).map(([key, path]) => `${key} = ${JSON.stringify(path)}`);
    const only = file('config.d/10.toml', values.join('\n'));
    const loaded = loadConfiguration(undefined, [join(root, 'c.toml')]);
    assert.deepEqual([loaded.path, loaded.files, loaded.configuration.hypervisor.kernel], [only, [only], join(root, 'kernel')]);
  });

  it('refuses a directory', () => {
    mkdirSync(join(root, 'd.toml'));
    assert.throws(() => loadConfiguration(join(root, 'd.toml'), []), /cannot be read \(EISDIR\)/);
  });
});
