/** The image of kata-deploy on a node: installs, configures the real containerd, labels the node, and undoes all of that. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';

const repository = resolve(import.meta.dirname, '../..');
const CONFIG = '/etc/containerd/config.toml';
const DROP_IN = '/etc/crio/crio.conf.d/99-kata-deploy.conf';
const LABEL = 'katacontainers.io/kata-runtime';
const PORT = '6443';

describe('kata-deploy', function () {
  this.timeout(240_000);
  this.bail(true);
  let directory = '';
  let engine: Engine | undefined;
  let api: ChildProcess | undefined;
  const docker = (...args: string[]): Promise<Outcome> => engine?.docker(args) ?? assert.fail('no engine');
  const account = (name: string): string => join(directory, 'account', name);
  const labels = (): unknown => (existsSync(account('labels.json')) ? JSON.parse(readFileSync(account('labels.json'), 'utf8')) : {});
  /** Directories in /opt, where containerd also has a directory. */
  const trees = (): string[] => readdirSync('/opt').filter((name) => !['bin', 'containerd'].includes(name));
  /** Arguments of systemctl since the last call of this function. */
  function restarts(): string[] {
    const path = join(directory, 'systemctl.log');
    const lines = existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
    rmSync(path, { force: true });
    return lines;
  }

  /** The test's mount namespace is the node's: /etc and /opt are copies there, and systemctl records its arguments. */
  async function prepareNode(): Promise<void> {
    for (const name of ['upper', 'work', 'opt/bin', 'account']) mkdirSync(join(directory, name), { recursive: true });
    await good(
      run('mount', ['-t', 'overlay', '-o', `lowerdir=/etc,upperdir=${directory}/upper,workdir=${directory}/work`, 'overlay', '/etc']),
    );
    await good(run('mount', ['--bind', join(directory, 'opt'), '/opt']));
    writeFileSync(join(directory, 'opt/bin/systemctl'), `#!/bin/sh\necho "$@" >>${directory}/systemctl.log\n`, { mode: 0o755 });
  }

  /** In the engine's network namespace, which the pod shares. */
  async function startApi(): Promise<void> {
    const subject = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1'];
    const files = ['-keyout', account('tls.key'), '-out', account('ca.crt')];
    await good(run('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', ...subject, ...files]));
    writeFileSync(account('token'), 'secret');
    const program = [process.execPath, '--no-warnings', join(import.meta.dirname, 'kubernetes-node.ts'), join(directory, 'account'), PORT];
    api = spawn('nsenter', [`--net=/proc/${engine?.pid}/ns/net`, ...program], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (api.stdout) await once(api.stdout, 'data');
  }

  /** As kata-deploy.yaml has it, but with the capabilities by name: test machines may lack some that --privileged needs. */
  function pod(...args: string[]): string[] {
    const environment = [
      'NODE_NAME=worker-1',
      'KUBERNETES_SERVICE_HOST=127.0.0.1',
      `KUBERNETES_SERVICE_PORT=${PORT}`,
      'PATH=/opt/bin:/usr/bin',
    ];
    return [
      ...['SYS_ADMIN', 'SYS_CHROOT', 'SYS_PTRACE'].map((name) => `--cap-add=${name}`),
      ...['--security-opt', 'seccomp=unconfined', '--pid', 'host', '--network', 'host', '-v', '/:/host:rslave'],
      ...['-v', `${account('')}:/var/run/secrets/kubernetes.io/serviceaccount:ro`],
      ...environment.flatMap((variable) => ['-e', variable]),
      ...args,
    ];
  }

  async function installed(): Promise<string> {
    await good(docker('run', '-d', '--name', 'deploy', ...pod(image, 'install')));
    for (;;) {
      const { stdout: status } = await docker('inspect', '-f', '{{.State.Status}}', 'deploy');
      const { stdout, stderr } = await docker('logs', 'deploy'); // complete when the status was not running
      if (stdout.includes('is ready for pods') || status.trim() !== 'running') return stdout + stderr;
    }
  }
  const cleanUp = (): Promise<Outcome> => docker('exec', 'deploy', '/bin/kata-deploy', 'cleanup');
  const stop = (): Promise<string> => good(docker('rm', '-f', 'deploy'));

  let image = '';
  let containerd = '';
  before(async () => {
    assert.deepEqual(leftovers(), []);
    directory = mkdtempSync(join(tmpdir(), 'kata-deploy-'));
    await prepareNode();
    const stage = join(directory, 'stage');
    await good(run(process.execPath, [join(repository, 'tools/stage.ts'), '--prefix', '/opt/kata', stage], { timeoutMs: 100_000 }));
    await good(run(process.execPath, [join(repository, 'packaging/deploy/build.ts'), '--stage', stage, directory], { timeoutMs: 100_000 }));
    rmSync(stage, { recursive: true });
    engine = await Engine.start({}, 'runc');
    const archive = readdirSync(directory).find((name) => name.endsWith('.tar')) ?? assert.fail('no image');
    image = /Loaded image: (\S+)/.exec(await good(docker('load', '-i', join(directory, archive))))?.[1] ?? '';
    await startApi();
    containerd = /\s(v?\d+\.\d+\.\d+\S*)/.exec(await good(run('containerd', ['--version'])))?.[1] ?? assert.fail('no version');
    writeFileSync(account('engine'), `containerd://${containerd}`);
  });
  after(async () => {
    api?.kill();
    await engine?.stop();
    for (const point of ['/opt', '/etc']) await good(run('umount', [point]));
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  it('the manifest names the image', async () => {
    const manifest = readFileSync(join(directory, 'kata-deploy.yaml'), 'utf8');
    assert.match(image, /^kata-deploy:\d/);
    assert.ok(manifest.includes(`image: ${image}\n`));
  });

  for (const [name, prepare] of [
    [
      "containerd's default configuration",
      async (): Promise<void> => writeFileSync(CONFIG, await good(run('containerd', ['config', 'default']))),
    ],
    ['no configuration file', (): Promise<void> => Promise.resolve(rmSync(CONFIG, { force: true }))],
  ] as const)
    it(`containerd with ${name}: gets the handler, the node its label, and both are removed`, async () => {
      mkdirSync('/etc/containerd', { recursive: true });
      await prepare();
      const before = existsSync(CONFIG) ? readFileSync(CONFIG, 'utf8') : undefined;
      assert.match(await installed(), /kata-runtime {2}: \d.*\n.*configuring containerd\n.*restarting containerd\n.*is ready for pods/);
      assert.deepEqual([labels(), restarts()], [{ [LABEL]: 'true' }, ['restart containerd']]);
      const dump = await good(run('containerd', ['--config', CONFIG, 'config', 'dump']));
      const handler = /\.runtimes\.kata\.options\]\s[^[]*?BinaryName = ["'](.*)["']/.exec(dump)?.[1];
      assert.equal(handler, '/opt/kata/bin/kata-runtime');
      assert.match(await good(run('/opt/kata/bin/kata-runtime', ['--version'])), /^kata-runtime {2}: \d/);

      assert.equal((await cleanUp()).code, 0);
      assert.deepEqual([labels(), restarts()], [{}, ['restart containerd']]);
      assert.equal(existsSync(CONFIG) ? readFileSync(CONFIG, 'utf8') : undefined, before);
      assert.deepEqual(trees(), []);
      await stop();
    });

  it('a second install keeps the configuration of the node', async () => {
    assert.match(await installed(), /is ready/);
    mkdirSync('/opt/kata/etc/kata-containers', { recursive: true });
    writeFileSync('/opt/kata/etc/kata-containers/configuration.toml', '# mine\n');
    const config = readFileSync(CONFIG, 'utf8');
    await stop();
    assert.match(await installed(), /is ready/);
    assert.equal(readFileSync(CONFIG, 'utf8'), config);
    assert.equal(readFileSync('/opt/kata/etc/kata-containers/configuration.toml', 'utf8'), '# mine\n');
    restarts();
  });

  it('cleanup keeps the tree while its programs run', async () => {
    const options = ['-S', '-display', 'none', '-machine', 'none', '-monitor', 'none'];
    const program = spawn('/opt/kata/usr/bin/qemu-lite-system-x86_64', options, { stdio: 'ignore' });
    await once(program, 'spawn');
    const { code, stdout } = await cleanUp();
    assert.equal(code, 0);
    assert.match(stdout, new RegExp(`/opt/kata is kept: processes ${program.pid} run programs of it`));
    assert.ok(existsSync('/opt/kata/bin/kata-runtime'));
    program.kill();
    await once(program, 'exit');
    assert.equal((await cleanUp()).code, 0);
    assert.deepEqual([trees(), restarts()], [[], ['restart containerd']]);
    await stop();
  });

  it('CRI-O: gets a drop-in file', async () => {
    writeFileSync(account('engine'), 'cri-o://1.32.1');
    assert.match(await installed(), /configuring cri-o\n.*restarting crio\n/);
    assert.match(readFileSync(DROP_IN, 'utf8'), /^\[crio\.runtime\.runtimes\.kata\]\nruntime_path = "\/opt\/kata\/bin\/kata-runtime"$/m);
    assert.equal((await cleanUp()).code, 0);
    assert.ok(!existsSync(DROP_IN));
    assert.deepEqual(restarts(), ['restart crio', 'restart crio']);
    await stop();
  });

  const failures: [name: string, engineName: string, config: string, error: RegExp][] = [
    ['an unknown engine', 'docker://20.10.24', '', /the node's engine is "docker:\/\/20.10.24"/],
    ['a configuration of version 1', 'containerd://1.6.20', '[plugins.cri]\n', /config.toml has version 1/],
  ];
  for (const [name, engineName, config, error] of failures)
    it(`${name}: a clear error, and the node is unchanged`, async () => {
      writeFileSync(account('engine'), engineName);
      writeFileSync(CONFIG, config);
      assert.match(await installed(), error);
      assert.equal((await docker('inspect', '-f', '{{.State.ExitCode}}', 'deploy')).stdout, '1\n');
      assert.deepEqual([readFileSync(CONFIG, 'utf8'), labels(), restarts(), trees()], [config, {}, [], []]);
      await stop();
    });

  const missing: [name: string, find: () => Promise<string>, error: RegExp][] = [
    [
      'tc',
      async () => (await good(run('sh', ['-c', 'realpath "$(command -v tc)"']))).trim(),
      /tc cannot be run on the node: .*: install iproute2, or iproute and iproute-tc\n/,
    ],
  ];
  for (const [name, find, error] of missing)
    it(`a node without ${name}: the error has its name, and the node is unchanged`, async () => {
      writeFileSync(account('engine'), `containerd://${containerd}`);
      writeFileSync(CONFIG, '');
      const path = await find();
      await good(engine?.inMounts('mount', ['--bind', '/dev/null', path]) ?? assert.fail('no engine'));
      try {
        assert.match(await installed(), error);
      } finally {
        await engine?.inMounts('umount', [path]);
      }
      assert.deepEqual([readFileSync(CONFIG, 'utf8'), labels(), restarts(), trees()], ['', {}, [], []]);
      await stop();
    });

  it('a tree that kata-deploy has not created is not changed', async () => {
    writeFileSync(account('engine'), `containerd://${containerd}`);
    rmSync(CONFIG);
    mkdirSync('/opt/kata');
    writeFileSync('/opt/kata/mine', '');
    assert.match(await installed(), /\/opt\/kata was not installed by kata-deploy/);
    assert.deepEqual(readdirSync('/opt/kata'), ['mine']);
    await stop();
  });
});
