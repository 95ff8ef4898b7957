/** Creates that must fail: docker reports the reason, and nothing is left behind. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime, variant } from '../support/staged.ts';

describe('creates that fail', function () {
  this.timeout(180_000);
  let engine: Engine;
  let directory = '';
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-variants-'));
    const [broken, gone] = [join(directory, 'broken.img'), join(directory, 'gone')];
    writeFileSync(broken, '');
    truncateSync(broken, 128 << 20);
    writeFileSync(gone, '');
    const runtimes = {
      'no-kernel': variant(directory, 'no-kernel', (toml) => toml.replace(/^kernel = .*$/m, 'kernel = "/nowhere/vmlinuz"')),
      'broken-image': variant(directory, 'broken-image', (toml) => toml.replace(/^image = .*$/m, `image = "${broken}"`)),
      'bad-values': variant(directory, 'bad-values', (toml) =>
        toml.replace(/^default_vcpus = .*$/m, 'default_vcpus = "many"').replace(/^machine_type = .*$/m, 'machine_type = "z80"'),
      ),
      // With a template a killed VM is booted again.
      'without-template': variant(directory, 'without-template', (toml) =>
        toml.replace('enable_template = true', 'enable_template = false'),
      ),
      good: kataRuntime,
    };
    engine = await Engine.start(runtimes, 'good');
  });
  after(async () => {
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  afterEach(() => assert.deepEqual(leftovers(), []));

  const cases: [runtime: string, reason: RegExp][] = [
    ['no-kernel', /no-kernel\.toml:\d+:\d+: hypervisor\.qemu\.kernel = "\/nowhere\/vmlinuz": \/nowhere\/vmlinuz is missing/],
    ['broken-image', /guest did not start.*(Unable to mount root fs|Cannot open root device)/s],
    [
      'bad-values',
      /machine_type = "z80": must be one of pc, q35; \S+:\d+:\d+: hypervisor\.qemu\.default_vcpus = "many": must be an integer/,
    ],
  ];
  for (const [runtime, reason] of cases) {
    it(runtime, async () => {
      const { code, stderr, stdout } = await engine.docker(['run', '--rm', '--runtime', runtime, 'busybox', 'true']);
      assert.deepEqual([code, stdout], [125, '']);
      assert.match(stderr, reason);
    });
  }

  it('create fails when QEMU is killed during the boot', async () => {
    const running = engine.docker(['run', '--rm', '--runtime', 'without-template', 'busybox', 'true']);
    const pidFile = (): string | undefined => {
      const id = existsSync('/run/vc/vm') ? readdirSync('/run/vc/vm').find((name) => name !== 'template') : undefined;
      return id !== undefined && existsSync(`/run/vc/vm/${id}/pid`) ? `/run/vc/vm/${id}/pid` : undefined;
    };
    await until('QEMU runs', () => pidFile() !== undefined);
    process.kill(Number(readFileSync(pidFile() ?? '', 'latin1')), 'SIGKILL');
    const { code, stderr } = await running;
    assert.equal(code, 125);
    assert.match(stderr, /the guest did not start|QEMU .*ended/);
  });

  it('host networking is refused', async () => {
    const { code, stderr } = await engine.docker(['run', '--rm', '--net=host', 'busybox', 'true']);
    assert.equal(code, 125);
    assert.match(stderr, /Host networking requested, not supported by runtime/);
  });
});

describe('invalid command lines', function () {
  this.timeout(30_000);
  let bundle = '';
  before(() => (bundle = mkdtempSync(join(tmpdir(), 'kata-bundle-'))));
  after(() => {
    rmSync(bundle, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  const cases: [name: string, args: () => string[], reason: RegExp][] = [
    ['unknown id', () => ['state', 'nobody'], /^Container ID \(nobody\) does not exist\n$/],
    ['no id', () => ['start'], /^Missing container ID, should at least provide one\n$/],
    ['an id that is a path', () => ['state', '../x'], /^invalid container ID format: "\.\.\/x"\n$/],
    ['missing bundle', () => ['create', '--bundle', '/nowhere', 'x'], /^Invalid bundle path '\/nowhere', it should be a directory\n$/],
    ['missing config.json', () => ['create', '--bundle', bundle, 'x'], /config\.json cannot be read \(ENOENT\)\n$/],
    ['unknown option', () => ['--what', 'list'], /^unknown option --what: see 'kata-runtime help'\n$/],
    ['unknown command', () => ['dance'], /^Invalid command "dance": see 'kata-runtime help'\n$/],
    ['unknown signal', () => ['kill', 'x', 'NOPE'], /unknown signal "NOPE"|does not exist/],
    [
      'unreadable configuration',
      () => ['--kata-config', '/nowhere/c.toml', 'start', 'x'],
      /\/nowhere\/c\.toml: the file does not exist\n$/,
    ],
  ];
  for (const [name, args, reason] of cases) {
    it(name, async () => {
      const log = join(bundle, 'log.json');
      rmSync(log, { force: true });
      const { code, stdout, stderr } = await run(kataRuntime, ['--log', log, '--log-format', 'json', ...args()]);
      assert.equal(code, 1);
      assert.equal(stdout, '');
      assert.match(stderr, reason);
      if (!existsSync(log)) return; // the log option itself was not read
      const records = readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { level: string; msg: string });
      assert.equal(records.findLast(({ level }) => level === 'error')?.msg, stderr.trim());
    });
  }

  it('an invalid config.json', async () => {
    writeFileSync(join(bundle, 'config.json'), '{"ociVersion": "1.0.2", "process": {"args": []}, "root": {"path": "rootfs"}}');
    const { code, stderr } = await run(kataRuntime, ['create', '--bundle', bundle, 'x']);
    assert.deepEqual([code, stderr], [1, 'config.json: process.args: must name a command\n']);
  });

  it('--version has the lines that callers parse', async () => {
    const { code, stdout, stderr } = await run(kataRuntime, ['--version']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      /^kata-runtime {2}: \S+\n {3}commit {3}: \S+\n {3}OCI specs: \S+\nkata-runtime version \S+\ncommit: \S+\nspec: \S+\n$/,
    );
  });
});
