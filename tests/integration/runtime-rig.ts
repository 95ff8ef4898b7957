/** kata-runtime in an installation with fakes of QEMU, proxy, agent and shim. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationFile } from '../../packages/runtime/src/configuration/configuration-file.ts';
import type { Outcome } from '../support/run.ts';
import { leftovers } from '../support/leftovers.ts';
import { Scratch } from '../support/process.ts';

/** The installed kata-runtime: an executable with its engine. */
export const RUNTIME = join(import.meta.dirname, '../../packages/runtime/dist/bin/kata-runtime');
export const fake = (name: string): string => `${process.execPath} --no-warnings ${join(import.meta.dirname, 'fakes', name)}`;

export interface Modes {
  readonly qemu?: string;
  /** The call that the agent refuses. */
  readonly refuses?: string;
  readonly shim?: string;
  /** Further keys of the configuration, `table.key`. */
  readonly configuration?: Parameters<typeof configurationFile>[0];
}

/** QEMU's command line for a machine without vhost-net. */
export const withoutVhost = (line: string): string[] =>
  line === 'getfd {"fdname":"vhostfd0"}' ? [] : [line.replace(',"vhost":true,"vhostfds":"vhostfd0"', '')];

let count = 0;

export class RuntimeRig {
  readonly scratch = new Scratch();
  readonly id = `it-${process.pid}-${count++}`;
  readonly #runtime: string;
  #outputs = 0;

  constructor(runtime = RUNTIME) {
    this.#runtime = runtime;
  }

  /** Removes the container, and checks that nothing is left behind. */
  async close(): Promise<void> {
    await this.kata('delete', '--force', this.id);
    this.scratch.remove();
    assert.deepEqual(leftovers(), []);
  }

  executable(name: string, script: string): string {
    const path = this.scratch.file(name);
    writeFileSync(path, `#!/bin/sh\n[ "$1" != --version ] || { echo "${name} version 1.2.3"; exit; }\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** Installs the fakes. The shim neither reports nor waits, as 1.x's. @returns their paths, for the configuration */
  play({ qemu = 'good', refuses = '-', shim = 'exec sleep 1000' }: Modes = {}): Record<string, string> {
    return {
      'hypervisor.qemu.path': this.executable('qemu', `exec ${fake('qemu.ts')} ${qemu} "$@"`),
      'proxy.kata.path': this.executable('kata-proxy', `exec ${fake('proxy.ts')} ${refuses} ${this.scratch.file('calls')} "$@"`),
      'shim.kata.path': this.executable('kata-shim', shim),
    };
  }

  /** An installation of fakes, and a bundle. */
  prepare(modes: Modes = {}): void {
    const { scratch } = this;
    for (const name of ['kernel', 'image']) writeFileSync(scratch.file(name), 'x');
    const overrides = {
      ...this.play(modes),
      'hypervisor.qemu.kernel': scratch.file('kernel'),
      'hypervisor.qemu.image': scratch.file('image'),
      'hypervisor.qemu.accelerator': 'tcg',
      'hypervisor.qemu.qemu_own_root': false, // the fakes are scripts, and use files of this project
      'hypervisor.qemu.qemu_capabilities': ['ALL'], // the fakes inspect the runtime's fds
      'factory.enable_template': false, // the fakes have no state to clone
      ...modes.configuration,
    };
    writeFileSync(scratch.file('calls'), '');
    writeFileSync(scratch.file('c.toml'), configurationFile(overrides));
    mkdirSync(scratch.file('bundle/rootfs'), { recursive: true });
    mkdirSync(scratch.file('volume'), { recursive: true });
    writeFileSync(scratch.file('volume/kept'), 'data');
    const spec = {
      ociVersion: '1.0.2',
      process: { args: ['true'], cwd: '/', env: ['A=1'], rlimits: [{ type: 'RLIMIT_CORE', hard: 18446744073709551615n, soft: 0 }] },
      root: { path: 'rootfs' },
      hostname: 'named',
      mounts: [{ destination: '/v', type: 'bind', source: scratch.file('volume'), options: ['rbind', 'ro'] }],
      linux: { cgroupsPath: `/${this.id}`, namespaces: [{ type: 'network' }, { type: 'pid' }], resources: { memory: { limit: 1048576 } } },
    };
    const json = JSON.stringify(spec, (_key, value: unknown) => (typeof value === 'bigint' ? `big${value}` : value)).replace(
      /"big(\d+)"/,
      '$1',
    );
    writeFileSync(scratch.file('bundle/config.json'), json);
  }

  /** Waits for the exit of the runtime, not for the end of its output: the shim inherits the pipes. */
  async kata(...args: string[]): Promise<Outcome> {
    const { child, output } = this.start(args);
    const [code] = (await once(child, 'exit')) as [number | null];
    return { code: code ?? 255, ...output() };
  }

  /** Starts kata-runtime; `output` returns its output so far. `input` is its standard input. */
  start(args: readonly string[], input = ''): { child: ChildProcess; output: () => Omit<Outcome, 'code'> } {
    const name = this.scratch.file(`out${this.#outputs++}`);
    writeFileSync(`${name}.in`, input);
    const files = [openSync(`${name}.in`, 'r'), openSync(name, 'w'), openSync(`${name}.err`, 'w')] as const;
    const child = spawn(this.#runtime, ['--kata-config', this.scratch.file('c.toml'), ...args], { stdio: [...files] });
    for (const fd of files) closeSync(fd);
    const output = (): Omit<Outcome, 'code'> => {
      const bytes = readFileSync(name);
      return { output: bytes, stdout: bytes.toString(), stderr: readFileSync(`${name}.err`, 'utf8') };
    };
    return { child, output };
  }

  /** Size of the journals of the sandbox, in bytes. */
  journalBytes(): number {
    const files = readdirSync(`/run/vc/sbs/${this.id}`).filter((name) => name.endsWith('.jsonl'));
    return files.reduce((sum, name) => sum + statSync(`/run/vc/sbs/${this.id}/${name}`).size, 0);
  }

  create(): Promise<Outcome> {
    return this.kata('create', '--bundle', this.scratch.file('bundle'), '--pid-file', this.scratch.file('pid'), this.id);
  }

  /** Changes a key of the configuration. */
  configure(key: string, value: string | boolean): void {
    const path = this.scratch.file('c.toml');
    writeFileSync(path, readFileSync(path, 'utf8').replace(new RegExp(`^#?${key} ?= ?.*$`, 'm'), `${key} = ${JSON.stringify(value)}`));
  }

  /** Changes config.json. */
  changeSpec(change: (spec: { annotations?: object; process: object; mounts: object[]; linux: Record<string, unknown> }) => void): void {
    const path = this.scratch.file('bundle/config.json');
    const spec = JSON.parse(readFileSync(path, 'utf8').replace('18446744073709551615', '0')) as Parameters<typeof change>[0];
    change(spec);
    writeFileSync(path, JSON.stringify(spec));
  }

  /** The commands to QEMU that change its state, one per line: name and values as JSON. */
  qmp(): string[] {
    return readFileSync(`/run/vc/vm/${this.id}/qemu.log`, 'utf8')
      .split('\n')
      .flatMap((line) => /^QMP ((?!query-|qmp_|qom-).+)$/.exec(line)?.[1] ?? []);
  }

  /** The calls of the agent, one per line: name and request as JSON. */
  calls(): string[] {
    return readFileSync(this.scratch.file('calls'), 'utf8').trim().split('\n');
  }

  /** Request of the last call of that name. */
  lastRequest(name: string): unknown {
    const line = this.calls().findLast((call) => call.startsWith(`${name} `));
    return line === undefined ? undefined : JSON.parse(line.slice(name.length));
  }

  async status(): Promise<unknown> {
    return (JSON.parse((await this.kata('state', this.id)).stdout) as { status: unknown }).status;
  }
}
