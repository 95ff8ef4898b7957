/**
 * Changes on the node: the tree in /opt/kata, the engine's configuration, the engine's restart. The node's root directory is mounted at
 * HOST.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { RUNTIME, isOnlyVersion, withHandler, withoutHandler } from './containerd-config.ts';
import type { NodeEngine } from './node-engine.ts';

const HOST = '/host';
const TREE = '/opt/kata';
/** A file that marks a tree that kata-deploy has installed: a tree from a tarball belongs to the user. */
const MARK = '.kata-deploy';
const CONTAINERD_CONFIG = '/etc/containerd/config.toml';
const CRIO_DROP_IN = '/etc/crio/crio.conf.d/99-kata-deploy.conf';
/** CRI-O drops the infra container, which makes the VM, for handlers whose names do not contain "kata". */
const CRIO_CONFIG = `# Written by kata-deploy.
[crio.runtime]
manage_ns_lifecycle = true

[crio.runtime.runtimes.kata]
runtime_path = "${RUNTIME}"
runtime_type = "oci"
`;

const onHost = (path: string): string => join(HOST, path);

function readIfExists(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}

/** Replaces the file in one step: a node that loses power has the old text or the new one. */
function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.kata-deploy`, text, { mode: existsSync(path) ? lstatSync(path).mode & 0o777 : 0o644 });
  renameSync(`${path}.kata-deploy`, path);
}

/** Pids of the node's processes that run programs of the tree: VMs, proxies, shims. The pod has the node's PID namespace. */
export function processesOfTree(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return pid !== process.pid && readlinkSync(`/proc/${pid}/exe`).startsWith(`${TREE}/`) && !isOfThisPod(pid);
      } catch {
        return false; // a kernel thread, or a process that has ended
      }
    });
}

/** The pod's own Node has the same path in the image. */
const isOfThisPod = (pid: number): boolean => readlinkSync(`/proc/${pid}/ns/mnt`) === readlinkSync('/proc/self/ns/mnt');

/** Copies the image's tree. Processes of an older tree keep its files open. The node's own configuration is kept. */
export function installTree(): void {
  const [tree, next, old] = [onHost(TREE), onHost(`${TREE}.new`), onHost(`${TREE}.old`)];
  refuseForeignTree();
  for (const path of [next, old]) rmSync(path, { recursive: true, force: true });
  try {
    cpSync(TREE, next, { recursive: true, verbatimSymlinks: true });
    writeFileSync(join(next, MARK), '');
    if (existsSync(join(tree, 'etc'))) cpSync(join(tree, 'etc'), join(next, 'etc'), { recursive: true });
  } catch (error) {
    rmSync(next, { recursive: true, force: true }); // the file system is full
    throw error;
  }
  if (existsSync(tree)) renameSync(tree, old);
  renameSync(next, tree);
  rmSync(old, { recursive: true, force: true });
}

/** @throws Error for a directory that kata-deploy has not made, and for a directory that is or contains a mount point */
function refuseForeignTree(): void {
  const tree = onHost(TREE);
  if (!existsSync(tree)) return;
  if (!existsSync(join(tree, MARK))) throw new Error(`${TREE} was not installed by kata-deploy, and is not changed`);
  const points = readFileSync('/proc/1/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '');
  const inTree = points.find((point) => `${point}/`.startsWith(`${TREE}/`));
  if (inTree !== undefined) throw new Error(`${inTree} is a mount point, and ${TREE} is not changed`);
}

export function removeTree(): void {
  refuseForeignTree();
  rmSync(onHost(TREE), { recursive: true, force: true });
}

/** A program that containers need, with an option without effects. */
interface Program {
  readonly path: string;
  readonly option: string;
  /** What to do when it cannot be run. */
  readonly remedy?: string;
}

const IPROUTE = { option: '-V', remedy: 'install iproute2, or iproute and iproute-tc' };
/** The last two are the node's. */
const PROGRAMS: readonly Program[] = [
  { path: RUNTIME, option: '--version' },
  { path: `${TREE}/usr/bin/qemu-lite-system-x86_64`, option: '--version' },
  { path: 'ip', ...IPROUTE },
  { path: 'tc', ...IPROUTE },
];
/** systemd's default, with which engines run (systemd.exec(5)). */
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The node's shell runs the program: busybox has an `ip` of its own. @returns its output */
function tryProgram({ path, option, remedy }: Program): string {
  const args = [HOST, '/bin/sh', '-c', 'exec "$@"', 'sh', path, option];
  const { status, stdout, stderr, error } = spawnSync('chroot', args, { encoding: 'utf8', env: { PATH } });
  if (status === 0) return stdout;
  const problem = error?.message ?? stderr.trim();
  throw new Error([`${path} cannot be run on the node`, problem, remedy].filter(Boolean).join(': '));
}

/** @returns the output of `kata-runtime --version`. @throws Error with the reason: a library is missing, the C library is too old */
export const tryPrograms = (): string => PROGRAMS.map(tryProgram)[0] ?? '';

/** @throws Error when the configuration cannot have the handler */
export function configureEngine({ name, major }: NodeEngine): void {
  if (name === 'cri-o') return replaceFile(onHost(CRIO_DROP_IN), CRIO_CONFIG);
  const path = onHost(CONTAINERD_CONFIG);
  replaceFile(path, withHandler(readIfExists(path), major));
}

/** Undoes `configureEngine` for both engines: the node may have changed its engine. @returns whether there was anything to undo */
export function unconfigureEngine(): boolean {
  const [path, dropIn] = [onHost(CONTAINERD_CONFIG), onHost(CRIO_DROP_IN)];
  const before = readIfExists(path);
  const after = before === undefined ? undefined : withoutHandler(before);
  const isChanged = after !== before;
  if (isChanged && after !== undefined) {
    if (isOnlyVersion(after)) rmSync(path);
    else replaceFile(path, after);
  }
  const hasDropIn = existsSync(dropIn);
  rmSync(dropIn, { force: true });
  return isChanged || hasDropIn;
}

/** Containers continue to run while their engine restarts. @throws Error when the unit fails */
export function restartEngine({ unit }: NodeEngine): void {
  execFileSync('nsenter', ['-t', '1', '-m', 'systemctl', 'restart', unit], { stdio: ['ignore', 'inherit', 'inherit'] });
}
