/** A fake host for kata-ksm-throttler: directories in place of /sys/kernel/mm/ksm, /proc and the sandboxes. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Component, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

const THROTTLER = 'runtime/dist/libexec/kata-ksm-throttler';
/** Relative to packages/. `kicker` is not installed. */
const programs = {
  'kata-ksm-throttler': `${THROTTLER}/kata-ksm-throttler`,
  vc: `${THROTTLER}/trigger/virtcontainers/vc`,
  kicker: 'ksm-throttler/src/trigger/kicker/main.ts',
};
const initial = { run: '0', pages_to_scan: '100', sleep_millisecs: '20' };
/** 4 GB of anonymous memory: a tenth is 100000 pages. */
const MEMINFO = 'MemTotal:       8000000 kB\nAnonPages:      4000000 kB\n';

/** run/pages/milliseconds of each mode on this host. */
export const [AGGRESSIVE, STANDARD, SLOW, INITIAL] = ['1/100000/1', '1/10000/10', '1/2000/100', '0/100/20'] as const;
/** A speed of time at which 30 s are 0.3 s. */
export const SPEED = 100;

/** A logged mode, with the values that the daemon then read from the kernel: run/pages/milliseconds. */
export interface LoggedMode {
  readonly mode: string;
  readonly because: string;
  readonly values: string;
  readonly atMs: number;
}

export class KsmRig {
  readonly scratch = new Scratch();
  readonly socket = this.scratch.file('d/ksm.sock');
  readonly record = `${this.socket}.state`;
  readonly #started: Component[] = [];

  constructor() {
    for (const name of ['ksm', 'proc', 'proc/36']) mkdirSync(this.scratch.file(name));
    this.set(initial);
    writeFileSync(this.scratch.file('proc/meminfo'), MEMINFO);
    this.setKsmdTicks(0);
  }

  set(values: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(values)) writeFileSync(this.scratch.file(`ksm/${name}`), `${value}\n`);
  }

  setKsmdTicks(ticks: number): void {
    writeFileSync(this.scratch.file('proc/36/stat'), `36 (ksmd) S 2 0 0 0 -1 2129984 0 0 0 0 0 ${ticks} 0 0 25 5 1 0 46 0 0\n`);
  }

  /** Current run/pages/milliseconds. */
  values(): string {
    const names = ['run', 'pages_to_scan', 'sleep_millisecs'];
    return names.map((name) => readFileSync(this.scratch.file(`ksm/${name}`), 'latin1').trim()).join('/');
  }

  /** Runs one of the programs with these flags. */
  run(program: keyof typeof programs, args: readonly string[]): Component {
    const component = new Component(programs[program], args);
    this.#started.push(component);
    return component;
  }

  /** The daemon's flags, pointed at this host. */
  args(...more: string[]): string[] {
    const { scratch } = this;
    const directories = ['-root', scratch.file('vc'), '-ksm', scratch.file('ksm'), '-proc', scratch.file('proc')];
    return ['-log', 'info', '-uri', this.socket, ...directories, ...more];
  }

  /** Starts the daemon and waits until it listens and watches. */
  async daemon(...more: string[]): Promise<Component> {
    const daemon = this.run('kata-ksm-throttler', this.args(...more));
    await until('the daemon announces itself', () => {
      if (daemon.child.exitCode !== null) throw new Error(`the daemon has ended: ${daemon.stderr}`);
      return daemon.stderr.includes('msg=announce');
    });
    return daemon;
  }

  async kick(): Promise<void> {
    const kicker = this.run('kicker', ['-uri', this.socket]);
    const { code } = await kicker.exited;
    if (code !== 0) throw new Error(`kicker: ${kicker.stderr}`);
  }

  makeSandbox(id: string): void {
    mkdirSync(this.scratch.file(`vc/sbs/${id}`), { recursive: true });
  }

  removeSandbox(id: string): void {
    rmSync(this.scratch.file(`vc/sbs/${id}`), { recursive: true });
  }

  async remove(): Promise<void> {
    for (const component of this.#started) await component.kill();
    this.scratch.remove();
  }

  isRemembered(): boolean {
    return existsSync(this.record);
  }
}

/** The modes in a daemon's log, in order. */
export function loggedModes(log: string): LoggedMode[] {
  const field = (line: string, name: string): string => new RegExp(`\\b${name}="?([^ "]*)`).exec(line)?.[1] ?? '';
  return log
    .split('\n')
    .filter((line) => line.includes(' msg=mode '))
    .map((line) => ({
      mode: field(line, 'mode'),
      because: field(line, 'because'),
      values: ['run', 'pages_to_scan', 'sleep_millisecs'].map((name) => field(line, name)).join('/'),
      atMs: Date.parse(field(line, 'time')),
    }));
}

/** The modes in a daemon's log as text, once there are `count`. @throws Error at the timeout */
export async function modes(daemon: Component, count: number): Promise<string[]> {
  await until(`${count} modes`, () => loggedModes(daemon.stderr).length >= count);
  return loggedModes(daemon.stderr).map(({ mode, because, values }) => `${mode} by ${because}: ${values}`);
}
