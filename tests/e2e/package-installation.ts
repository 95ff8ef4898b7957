/** A root directory with installed packages, and what its programs must do, for every kind of package. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';

export async function must(program: string, args: readonly string[], environment = process.env): Promise<string> {
  const { code, stdout, stderr } = await run(program, args, { timeoutMs: 200_000 }, environment);
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stdout}${stderr}`);
  return stdout;
}

/** PATH of a login shell. */
const PATH = '/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export class Installation {
  readonly directory = mkdtempSync(join(tmpdir(), 'kata-packages-'));
  readonly root = join(this.directory, 'root');
  #engine: Engine | undefined;

  repository(name: string): string {
    return join(this.directory, 'repositories', name);
  }

  /** docker with the installed runtime. */
  get engine(): Engine {
    return this.#engine ?? assert.fail('no engine');
  }

  async startEngine(): Promise<void> {
    this.#engine = await Engine.start({ 'kata-runtime': '/usr/bin/kata-runtime' }, 'kata-runtime', this.#mounts);
  }

  async stopEngine(): Promise<void> {
    await this.#engine?.stop();
    this.#engine = undefined;
  }

  /** Runs a program of the installation with the environment of a login shell. */
  inside(...command: string[]): Promise<Outcome> {
    return this.engine.inMounts('env', ['-i', `PATH=${PATH}`, ...command]);
  }

  /**
   * Shell script that, in its own mount namespace, links the installed files to their places and hides every other Node. Because of the
   * links, upgrades are visible.
   */
  get #mounts(): string {
    const layers = join(this.directory, 'layers');
    const places = ['/usr/libexec/kata-containers', '/usr/share/kata-containers', '/usr/share/defaults/kata-containers'];
    const steps = [
      'mount --make-rprivate / && mount --make-rshared /',
      `mkdir -p ${layers} && mount -t tmpfs layers ${layers} && mkdir ${layers}/upper ${layers}/work`,
      `mount -t overlay usr -o lowerdir=/usr,upperdir=${layers}/upper,workdir=${layers}/work /usr`,
      ...places.map((path) => `mkdir -p ${path} && mount --bind ${this.root}${path} ${path}`),
      ...['kata-runtime', 'qemu-lite-system-x86_64'].map((name) => `ln -s ${this.root}/usr/bin/${name} /usr/bin/${name}`),
      'rm -f /usr/bin/node /usr/bin/nodejs',
    ];
    return steps.join(' && ');
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}

const answers: [args: string[], said: RegExp][] = [
  [['--version'], /^kata-runtime  : \d/],
  [['kata-check', '--strict'], /^Version consistency of Kata Containers is verified$/m],
  [['kata-env'], /Path = "\/usr\/share\/kata-containers\/kata-containers\.img"/],
];

/** Cases of a test: docker and people use the installed packages. */
export function useCases(installation: () => Installation): void {
  it('docker runs containers with the installed packages', async () => {
    await installation().startEngine();
    const { code, stdout, stderr } = await installation().engine.docker(['run', '--rm', 'busybox', 'uname', '-a']);
    assert.deepEqual([code, stderr], [0, '']);
    assert.match(stdout, /^Linux [0-9a-f]{12} 6\.1\.\d+-1\.container /);
  });

  it('no Node is installed', async () => {
    assert.equal((await installation().inside('sh', '-c', 'command -v node nodejs')).stdout, '');
  });

  for (const [args, said] of answers) {
    it(`kata-runtime ${args.join(' ')}`, async () => {
      const runtime = '/usr/bin/kata-runtime';
      const { code, stdout, stderr } = await installation().inside(runtime, ...args);
      // The packages do not decide whether this machine can run KVM: --strict must report nothing else.
      const expected = args[0] === 'kata-check' ? (await installation().inside(runtime, 'kata-check')).code : 0;
      assert.equal(code, expected, stdout + stderr);
      assert.match(stdout, said);
    });
  }
}

/** Upgrades the packages while a container runs. */
export async function upgradeWithContainer({ engine }: Installation, upgrade: () => Promise<void>): Promise<void> {
  const started = await engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sleep', '1000']);
  assert.equal(started.code, 0, started.stderr);
  await upgrade();
  const inside = await engine.docker(['exec', 'box', 'echo', 'alive']);
  assert.deepEqual([inside.code, inside.stdout], [0, 'alive\n'], inside.stderr);
  assert.equal((await engine.docker(['rm', '-f', 'box'])).code, 0);
  assert.equal((await engine.docker(['run', '--rm', 'busybox', 'true'])).code, 0);
}
