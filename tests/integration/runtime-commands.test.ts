/** Commands of Kata Containers, and commands that need no container, as users and engines call them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, readFileSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { once } from 'node:events';
import { linuxKernel } from '../../packages/common/src/kernel/linux-kernel.ts';
import { readProcess } from '../support/proc-files.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

const refused = (text: string): object => ({ code: 1, stdout: '', stderr: `${text}\n` });
const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
/** Capacity of a pipe, pipe(7). */
const PIPE_BYTES = 1 << 16;

describe('commands of kata-runtime', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;

  async function running(): Promise<void> {
    rig.prepare();
    await rig.create();
    assert.equal((await rig.kata('start', rig.id)).code, 0);
  }
  async function withInput(args: readonly string[], input: string): Promise<Outcome> {
    const { child, output } = rig.start(args, input);
    const [code] = (await once(child, 'exit')) as [number];
    return { code, ...output() };
  }

  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  const wrong: [args: string[], text: string][] = [
    [['--nope', 'list'], "unknown option --nope: see 'kata-runtime help'"],
    [['list', '-nope'], "unknown option --nope: see 'kata-runtime help list'"],
    [['list', '-f'], "option --format needs a value: see 'kata-runtime help list'"],
    [['nope'], `Invalid command "nope": see 'kata-runtime help'`],
    [['kata-chek'], 'Invalid command "kata-chek": did you mean kata-check?'],
    [['constructor'], `Invalid command "constructor": see 'kata-runtime help'`],
    [['--log-format', 'xml', 'list'], 'unknown log-format "xml"'],
  ];
  for (const [args, text] of wrong) {
    it(`refuses ${args.join(' ')}, once`, async () => {
      rig.prepare();
      assert.deepEqual(quiet(await rig.kata(...args)), refused(text));
    });
  }

  it('answers the commands that engines call at their start: version, features, help', async () => {
    rig.prepare();
    const version =
      /^kata-runtime {2}: \S+\n {3}commit {3}: \S+\n {3}OCI specs: 1\.\S+\nkata-runtime version \S+\ncommit: \S+\nspec: 1\.\S+\n$/;
    for (const word of ['--version', '-v', 'version']) assert.match((await rig.kata(word)).stdout, version);
    const features = JSON.parse((await rig.kata('features')).stdout) as {
      ociVersionMin: string;
      ociVersionMax: string;
      mountOptions: string[];
    };
    assert.deepEqual([features.ociVersionMin, features.mountOptions.includes('rro')], ['1.0.0', true]);
    for (const args of [[], ['help'], ['-h'], ['--help']]) {
      const { code, stdout, stderr } = await rig.kata(...args);
      assert.deepEqual([code, stderr], [0, '']);
      assert.match(stdout, /^ {2}kata-check +\S/m);
      assert.match(stdout, /commands starting "kata-"/i);
    }
    assert.match((await rig.kata('help', 'ps')).stdout, /^Usage: kata-runtime ps /);
    assert.match((await rig.kata('update', '--help')).stdout, /--memory-swap/);
  });

  for (const args of ['features', 'version', 'list', 'kata-env'])
    it(`${args}: a result that cannot be written is a failure`, async () => {
      rig.prepare();
      const command = `${RUNTIME} --kata-config ${rig.scratch.file('c.toml')} ${args} >/dev/full`;
      const { code, stderr } = await run('sh', ['-c', command]);
      assert.deepEqual([code, stderr], [1, 'write failed (ENOSPC)\n']);
    });

  it('ends without a message, like a program that SIGPIPE ends, when the reader of its output has ended', async () => {
    const path = rig.scratch.file('fifo');
    await run('mkfifo', [path]);
    const reader = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const pipe = openSync(path, constants.O_WRONLY);
    closeSync(reader);
    const child = spawn(RUNTIME, ['features'], { stdio: ['ignore', pipe, 'pipe'] });
    closeSync(pipe);
    let message = '';
    child.stderr?.on('data', (piece: Buffer) => (message += piece.toString()));
    assert.deepEqual([...(await once(child, 'close')), message], [141, null, '']);
  });

  it('a result waits for the reader of a full pipe that others have made non-blocking, and leaves the pipe so', async () => {
    const path = rig.scratch.file('fifo');
    await run('mkfifo', [path]);
    const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const received: Buffer[] = [];
    /** Reads all bytes in the pipe. */
    const drain = (): void => {
      for (const piece = Buffer.alloc(PIPE_BYTES); ;)
        try {
          received.push(Buffer.from(piece.subarray(0, readSync(pipe, piece))));
        } catch {
          return; // empty
        }
    };
    writeSync(pipe, Buffer.alloc(PIPE_BYTES, '.')); // as many bytes as fit
    const child = spawn('sh', ['-c', `read line; exec ${RUNTIME} features`], { stdio: ['pipe', pipe, 'inherit'] });
    let code: number | null | undefined;
    child.once('exit', (ended) => (code = ended));
    linuxKernel.setNonBlocking(pipe, true); // starting a process has ended that
    child.stdin?.end('\n');
    const isWriting = (): boolean => readProcess(child.pid, 'syscall').startsWith('1 '); // write(2)
    await until('it waits for the reader, or ends', () => code !== undefined || isWriting());
    await until('it ends', () => {
      drain();
      return code !== undefined;
    });
    drain();
    const text = Buffer.concat(received).toString().replace(/^\.*/, '');
    assert.deepEqual([code, text], [0, (await run(RUNTIME, ['features'])).stdout]);
    assert.match(readFileSync(`/proc/self/fdinfo/${pipe}`, 'latin1'), /^flags:\t0?1?[0-7]*4\d{3}$/m);
    closeSync(pipe);
  });

  it('spec writes a config.json that create accepts, and does not overwrite it', async () => {
    rig.prepare();
    const bundle = rig.scratch.file('bundle');
    rmSync(`${bundle}/config.json`);
    assert.deepEqual(quiet(await rig.kata('spec', '--bundle', bundle)), { code: 0, stdout: '', stderr: '' });
    assert.match(readFileSync(`${bundle}/config.json`, 'utf8'), /^\{\n\t"ociVersion": "1\.0\.2",\n[\s\S]*\n\t"hostname": "kata",\n/);
    assert.deepEqual(quiet(await rig.kata('spec', '-b', bundle)), refused('File config.json exists. Remove it first'));
    writeFileSync(`${bundle}/config.json`, readFileSync(`${bundle}/config.json`, 'utf8').replace('"terminal": true', '"terminal": false'));
    assert.equal((await rig.create()).stderr, '');
  });

  it('list --kata-all and JSON show the files of a VM, and mark outdated ones', async () => {
    await running();
    const { id, scratch } = rig;
    writeFileSync(scratch.file('kernel2'), 'another');
    writeFileSync(
      scratch.file('c.toml'),
      readFileSync(scratch.file('c.toml'), 'utf8').replace(`${scratch.path}/kernel"`, `${scratch.path}/kernel2"`),
    );
    const [header = '', line = ''] = (await rig.kata('list', '--kata-all')).stdout.split('\n');
    assert.deepEqual(header.split(/ {3,}/).slice(5), ['OWNER', 'HYPERVISOR', 'KERNEL', 'IMAGE', 'LATEST-KERNEL', 'LATEST-IMAGE', 'STALE']);
    const [kernel, image, newKernel] = ['kernel', 'image', 'kernel2'].map((name) => scratch.file(name));
    assert.deepEqual(line.split(/ {3,}/).slice(7), [kernel, image, newKernel, image, 'kernel']);
    const [row] = JSON.parse((await rig.kata('list', '-f=json')).stdout) as Record<string, unknown>[];
    assert.deepEqual([row?.['id'], row?.['status'], row?.['StaleAssets']], [id, 'running', ['kernel']]);
    assert.deepEqual((row?.['currentHypervisor'] as Record<string, unknown>)['kernelAsset'], { path: kernel, bool: false });
    assert.deepEqual((row?.['latestHypervisor'] as Record<string, unknown>)['kernelAsset'], { path: newKernel, bool: false });
    await rig.kata('delete', '--force', id);
    assert.equal((await rig.kata('list', '--format', 'json')).stdout, 'null\n');
  });

  it('kata-env prints TOML and JSON', async () => {
    rig.prepare();
    const toml = (await rig.kata('kata-env')).stdout;
    assert.match(toml, /^\[Meta\]\n {2}Version = "1\.0\.24"\n\n\[Runtime\]\n {2}Debug = false\n/);
    assert.ok(toml.includes(`  [Runtime.Config]\n    Path = "${rig.scratch.file('c.toml')}"\n`), toml);
    assert.match(toml, /^ {2}\[Proxy\.Version\]\n {4}Semver = "1\.2\.3"\n/m);
    const json = JSON.parse((await rig.kata('kata-env', '--json')).stdout) as Record<string, Record<string, unknown>>;
    assert.deepEqual([json['Kernel']?.['Path'], json['Image']?.['Path']], [rig.scratch.file('kernel'), rig.scratch.file('image')]);
  });

  it('kata-env --effective: each value with the file and line that set it; warnings are on stderr', async () => {
    rig.prepare();
    const { scratch } = rig;
    mkdirSync(scratch.file('config.d'));
    writeFileSync(scratch.file('config.d/10.toml'), '[hypervisor.qemu]\ndefault_memory = 512\ndefualt_vcpus = 2\n');
    const { code, stdout, stderr } = await rig.kata('kata-env', '--effective');
    assert.equal(code, 0);
    assert.ok(stdout.startsWith(`# read: ${scratch.file('c.toml')}\n# read: ${scratch.file('config.d/10.toml')}\n`), stdout);
    assert.match(stdout, /^default_memory = 512 +# config\.d\/10\.toml:2:1$/m);
    const place = `${scratch.file('config.d/10.toml')}:3:1`;
    const warning = `WARNING: ${place}: unknown key hypervisor.qemu.defualt_vcpus: did you mean default_vcpus?\n`;
    assert.equal(stderr, warning);
    assert.equal((await rig.kata('kata-env')).stderr, warning);
    assert.ok((await rig.kata('kata-check', '-n')).stderr.startsWith(warning));
    writeFileSync(scratch.file('config.d/10.toml'), '[hypervisor.qemu]\ndefault_memory = "512"\n');
    const broken = await rig.kata('kata-env');
    const problem = 'hypervisor.qemu.default_memory = "512": must be an integer of MiB';
    assert.equal(broken.stderr, `configuration ${scratch.file('config.d/10.toml')}:2:18: ${problem}\n`);
  });

  it("kata-check prints 1.x's last line for this machine", async () => {
    rig.prepare();
    const { code, stdout, stderr } = await rig.kata('kata-check', '--no-network-checks');
    assert.match(stderr, /^time="[^"]+" level=(info|error) msg="CPU property (not )?found" arch=\S+ description="/m);
    if (code === 0) assert.match(stdout, /^System is capable of running Kata Containers$/m);
    else assert.match(stderr, /^ERROR: System is not capable of running Kata Containers\n$|\/dev\/kvm|KVM_CREATE_VM/m);
    // the rig's accelerator is tcg
    assert.match(stdout, /^Kata Containers runs here by emulation, many times slower than with KVM:\n {2}KVM: accelerator = "tcg" in /m);
  });

  it('kata-check --json has each check and the result; an invalid configuration is a failed check', async () => {
    rig.prepare();
    interface Result {
      verdict: string;
      isCapable: boolean;
      checks: { name: string; status: string; detail: string; remedy?: string }[];
    }
    const check = async (): Promise<Result> => JSON.parse((await rig.kata('kata-check', '-n', '--json')).stdout) as Result;
    const { verdict, checks } = await check();
    assert.equal(verdict, 'emulation');
    const names = ['configuration', 'QEMU', 'kernel', 'image', 'kata-proxy', 'kata-shim'];
    const confinement = [
      ...[
        'QEMU: seccomp',
        'QEMU: own root',
        'QEMU: capabilities',
        'QEMU: devices',
        'QEMU: threads',
        'QEMU: not root with virtio-fs',
        'virtiofsd: namespaces',
      ],
      ...['kata-proxy: confinement', 'kata-shim: confinement'],
    ];
    // The fake QEMU is a script outside of /usr, so its own root and its capability limits are disabled.
    const off = ['QEMU: own root', 'QEMU: capabilities'];
    assert.deepEqual(
      checks.map(({ name, status }) => [name, status]),
      [...names, ...confinement, 'ip', 'tc', 'tun', '/run'].map((name) => [name, off.includes(name) ? 'warning' : 'ok']),
    );
    rmSync(rig.scratch.file('kernel'));
    const broken = await check();
    assert.equal(broken.verdict, 'cannot-run');
    const [failed] = broken.checks.filter(({ status }) => status === 'failed');
    assert.match(failed?.detail ?? '', /c\.toml:\d+:10: hypervisor\.qemu\.kernel = ".*kernel": .*kernel is missing$/);
    const { code, stdout } = await rig.kata('kata-check', '-n');
    assert.equal(code, 1);
    assert.match(stdout, /^Kata Containers cannot run here:\n {2}configuration: .* is missing\n {4}to fix it: correct the file; /m);
  });

  it('kata-env and kata-check work when only the configuration file exists', async () => {
    const { code, stdout, stderr } = await rig.kata('kata-env');
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, /c\.toml: the file does not exist/);
  });

  it('kata-check makes no network request as root or with --no-network-checks', async () => {
    rig.prepare();
    const { code, stdout, stderr } = await rig.kata('kata-check', '--check-version-only');
    assert.deepEqual([code, stdout], [0, '']); // as root: the tests are
    assert.match(stderr, /^time="[^"]+" level=warning msg="Not running network checks as super user" arch=/);
    assert.deepEqual(quiet(await rig.kata('kata-check', '-n', '--only-list-releases')), { code: 0, stdout: '', stderr: '' });
  });

  it('kata-network lists and changes interfaces and routes', async () => {
    await running();
    const { id } = rig;
    const address = '"IPAddresses":[],"Mtu":1500,"RawFlags":0,"HwAddr":"02:00:00:00:00:02","PciPath":"","LinkType":""';
    assert.equal((await rig.kata('kata-network', 'list-ifaces', id)).stdout, `[{"Device":"eth0","Name":"eth0",${address}}]\n`);
    const route = '{"Dest":"","Gateway":"10.0.0.1","Device":"eth0","Source":"","Scope":0}';
    assert.equal((await rig.kata('kata-network', 'list-routes', id)).stdout, `[${route}]\n`);
    assert.equal((await withInput(['kata-network', 'update-routes', id, '-'], `[${route}]`)).stdout, `[${route}]\n`);
    writeFileSync(rig.scratch.file('if.json'), `{"Device":"eth9","Name":"eth9",${address}}`);
    const added = await rig.kata('kata-network', 'add-iface', id, rig.scratch.file('if.json'));
    assert.equal(added.stdout, `{"Device":"eth9","Name":"eth9",${address}}\n`);
    assert.match((await rig.kata('kata-network', 'del-iface', id, rig.scratch.file('if.json'))).stderr, /^the VM has no interface eth9$/m);
    assert.match((await rig.kata('kata-network', 'nope', id)).stderr, /Expecting one of add-iface, /);
  });

  it('kata-overhead compares two samples of a container', async () => {
    await running();
    const { code, stdout, stderr } = await rig.kata('kata-overhead', rig.id);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(
      stdout,
      new RegExp(`^Sandbox overhead for container: ${rig.id}\ncpu_overhead=[\\d.]+\nmemory_overhead_bytes=\\d{6,}\n\n --CPU`),
    );
    assert.match(stdout, /^Number of available vCPUs=1$/m);
    assert.match(stdout, /^memory_guest_bytes=4096$/m);
  });

  it('logs why QEMU runs as root', async () => {
    rig.prepare();
    const log = rig.scratch.file('log');
    assert.equal((await rig.kata('--log', log, 'create', '--bundle', rig.scratch.file('bundle'), rig.id)).code, 0);
    assert.match(
      readFileSync(log, 'utf8'),
      / level=info msg="QEMU runs as root" .*reason="the share is 9p: QEMU acts for the users of the guest"/,
    );
  });

  for (const debug of [false, true])
    it(`${debug ? 'logs' : 'does not log'} its steps with enable_debug = ${debug}`, async () => {
      rig.prepare({ configuration: { 'runtime.enable_debug': debug } });
      const log = rig.scratch.file('log');
      assert.equal((await rig.kata('--log', log, 'create', '--bundle', rig.scratch.file('bundle'), rig.id)).code, 0);
      assert.equal(/ level=debug msg=step .* step=CreateContainer/.test(readFileSync(log, 'utf8')), debug);
    });
});
