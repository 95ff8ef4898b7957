/**
 * Stores templates: one tmpfs with a directory for each key. Making or removing a template takes the exclusive lock of its directory
 * (flock(2)), loading one a shared lock. The kernel releases locks when their process ends, so a killed maker leaves only files, and the
 * changes in its journal.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { MS_NODEV, MS_NOSUID } from '@kata-containers/common/kernel/constants';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { QemuPaths } from '../../hypervisor/qemu/qemu-plan.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import { undoAll } from '../../undo/undo.ts';
import { roomAt } from '../../mounts/free-room.ts';
import { mountPointsBelow, readMountTable } from '../../mounts/mount-table.ts';
import { lockDirectory } from './lock-directory.ts';
import { isUnchanged } from './template-key.ts';
import type { InputFile } from './template-key.ts';
import { TemplateWaitError } from './template-wait-error.ts';

type Calls = Pick<Kernel, 'mount' | 'umountExactly' | 'tryLock' | 'setns'>;

export interface TemplateFiles extends QemuPaths {
  readonly key: string;
  readonly directory: string;
  /** Guest memory, which clones map. */
  readonly memory: string;
  /** Code that QEMU has translated, which clones map too. May not exist. */
  readonly code: string;
  /** State of the devices, in QEMU's migration format. It is renamed last: a template that has it is complete. */
  readonly state: string;
  /** What the template was made from, as JSON. */
  readonly record: string;
  readonly journal: string;
  readonly proxySocket: string;
  readonly qemuLog: string;
  readonly share: string;
  /** Directory of the proxy's log. */
  readonly vm: string;
}

export interface TemplateRecord {
  readonly inputs: readonly InputFile[];
}

/** Description of a complete template. */
export interface TemplateInfo {
  readonly key: string;
  /** Memory that its files take. */
  readonly bytes: number;
  /** When it was completed, in milliseconds since 1970. */
  readonly madeMs: number;
  /** False when QEMU, kernel or image have changed since: no VM will be cloned from it. */
  readonly isFresh: boolean;
  /** File that its clones map. */
  readonly memory: string;
}

/** Unit of st_blocks (inode(7)). */
const BLOCK_BYTES = 512;

/** A template with its lock: it cannot be removed while the lock is held. */
export interface LockedTemplate {
  readonly files: TemplateFiles;
  release(): void;
}

interface Waiting {
  /** Time for which this process has waited for the maker of the template; 0 if there was none. */
  readonly makerWaitMs: number;
  /** Waits until the next attempt to take a lock. @throws TemplateWaitError, with the text, after the time limit */
  wait(what: string): Promise<void>;
}

/** Interval of attempts to take a lock. */
const LOOK_MS = 20;
/** Templates that are kept besides the newest: each uses some hundred megabytes of memory. */
const MAX_OTHERS = 3;
/** A booted guest needs about half of this space, and its translated code an eighth. */
const NEEDED_MIB = 448;
const MIB = 1 << 20;

export class TemplateStore {
  readonly #root: string;
  readonly #kernel: Calls;

  constructor(root: string, kernel: Calls) {
    this.#root = root;
    this.#kernel = kernel;
  }

  files(key: string): TemplateFiles {
    const at = (name: string): string => join(this.#root, key, name);
    return {
      key,
      directory: join(this.#root, key),
      memory: at('memory'),
      code: at('code'),
      state: at('state'),
      record: at('template.json'),
      journal: at('undo.jsonl'),
      qmpSocket: at('qmp.sock'),
      consoleSocket: at('console.sock'),
      agentSocket: at('kata.sock'),
      proxySocket: at('proxy.sock'),
      pidFile: at('pid'),
      qemuLog: at('qemu.log'),
      share: at('share'),
      vm: join(this.#root, key),
    };
  }

  has = (key: string): boolean => existsSync(this.files(key).state);

  /** Keys of the templates that are complete. */
  keys(): string[] {
    return this.#directories().filter(this.has);
  }

  /** The complete templates, the newest first. */
  list(): TemplateInfo[] {
    const infos = this.keys().map((key): TemplateInfo => {
      const { directory, memory } = this.files(key);
      const blocks = readdirSync(directory).map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.blocks ?? 0);
      const bytes = blocks.reduce((sum, count) => sum + count, 0) * BLOCK_BYTES;
      return { key, bytes, madeMs: this.#madeMs(key), isFresh: this.#isFresh(key), memory };
    });
    return infos.sort((a, b) => b.madeMs - a.madeMs);
  }

  /** Keys of incomplete templates that no process is making. */
  abandoned(): string[] {
    return this.#directories().filter((key) => {
      const release = this.has(key) ? undefined : this.#lock(key, 'exclusive');
      release?.();
      return release !== undefined;
    });
  }

  /** Removes the templates that no VM will be cloned from. @returns those that were removed */
  async prune(): Promise<TemplateInfo[]> {
    const removed: TemplateInfo[] = [];
    for (const info of this.list()) if (!info.isFresh && (await this.remove(info.key))) removed.push(info);
    return removed;
  }

  /** Locks the template with this key. @returns undefined unless it is complete, and no process removes it */
  tryHold(key: string): LockedTemplate | undefined {
    const release = this.has(key) ? this.#lock(key, 'shared') : undefined;
    if (release && this.has(key)) return { files: this.files(key), release };
    release?.();
    return undefined;
  }

  /**
   * Locks the template with this key. `make` makes a missing template. Waits while another process makes or removes it.
   * @throws the errors of `make`; TemplateWaitError; KataError on a full file system
   */
  async hold(key: string, make: (files: TemplateFiles) => Promise<void>, timeoutMs: number): Promise<LockedTemplate> {
    const begun = performance.now();
    const files = this.files(key);
    const wait = async (what: string): Promise<void> => {
      const waitedMs = performance.now() - begun;
      if (waitedMs > timeoutMs) throw new TemplateWaitError(what, waitedMs);
      await sleep(LOOK_MS);
    };
    for (let makerWaitMs = 0; ;) {
      const held = this.tryHold(key);
      if (held) return held;
      if (this.has(key)) {
        await wait('another process keeps the VM template locked');
      } else if ((await this.#makeUnlessLocked(files, make, { makerWaitMs, wait })) === 'locked') {
        await wait('another process has not made the VM template yet');
        makerWaitMs = performance.now() - begun;
      }
    }
  }

  /**
   * Removes a template. Running clones are not affected: they have its files open.
   * @returns false while another process makes or loads the template
   */
  async remove(key: string): Promise<boolean> {
    const release = this.#lock(key, 'exclusive');
    if (!release) return !existsSync(this.files(key).directory);
    try {
      await this.#clear(this.files(key));
      rmdirSync(this.files(key).directory);
      return true;
    } finally {
      release();
    }
  }

  /**
   * Removes all templates, and unmounts the tmpfs unless running VMs keep it busy.
   * @throws KataError while a process makes or loads a template
   */
  async destroy(): Promise<void> {
    const busy: string[] = [];
    for (const key of this.#directories()) if (!(await this.remove(key))) busy.push(key);
    if (busy.length > 0) throw new KataError(`VM template ${busy.join(', ')} is being made or loaded: try again`);
    if (!this.#isMounted()) return;
    try {
      this.#kernel.umountExactly(this.#root);
      rmdirSync(this.#root);
    } catch (error) {
      if (errorCode(error) !== 'EBUSY') throw error;
    }
  }

  async #makeUnlessLocked(
    files: TemplateFiles,
    make: (files: TemplateFiles) => Promise<void>,
    { makerWaitMs, wait }: Waiting,
  ): Promise<'locked' | 'made'> {
    await this.#mount(wait);
    mkdirSync(files.directory, { recursive: true, mode: 0o700 });
    const release = this.#lock(files.key, 'exclusive');
    if (!release) return 'locked';
    try {
      if (this.has(files.key)) return 'made';
      // Otherwise each waiting process would try and fail in turn.
      if (makerWaitMs > 0) throw new TemplateWaitError('another process could not make the VM template', makerWaitMs);
      await this.#clear(files);
      await this.#makeRoom(files.key);
      await make(files);
      if (!this.has(files.key)) throw new KataError('the VM template was not made');
      return 'made';
    } catch (error) {
      await this.#clear(files)
        .then(() => rmdirSync(files.directory))
        .catch(() => {}); // the next maker tries again
      throw error;
    } finally {
      release();
    }
  }

  /** Ends the processes of a killed maker, and removes its files. To be called with the exclusive lock. */
  async #clear({ directory, journal, state }: TemplateFiles): Promise<void> {
    rmSync(state, { force: true });
    const failures = await undoAll(new UndoJournal(journal).entries(), this.#kernel);
    if (failures.length > 0) throw new KataError(`a VM template is not removed completely: ${failures.join('; ')}`);
    for (const name of readdirSync(directory)) rmSync(join(directory, name));
  }

  /** Removes outdated templates, and the oldest when there are too many. @throws KataError on a full file system */
  async #makeRoom(newKey: string): Promise<void> {
    const others = this.keys().filter((key) => key !== newKey);
    const kept = others.filter((key) => this.#isFresh(key)).sort((a, b) => this.#madeMs(b) - this.#madeMs(a));
    const useless = [...others.filter((key) => !kept.includes(key)), ...kept.slice(MAX_OTHERS)];
    for (const key of useless) await this.remove(key);
    const freeMib = Math.floor(roomAt(this.#root).freeBytes / MIB);
    if (freeMib < NEEDED_MIB) throw new KataError(`${this.#root} has no space for a VM template: ${freeMib} of ${NEEDED_MIB} MiB are free`);
  }

  #madeMs(key: string): number {
    return statSync(this.files(key).state, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  #isFresh(key: string): boolean {
    try {
      const { inputs } = JSON.parse(readFileSync(this.files(key).record, 'utf8')) as TemplateRecord;
      return inputs.every(isUnchanged);
    } catch {
      return false;
    }
  }

  #directories(): string[] {
    return existsSync(this.#root) ? readdirSync(this.#root).filter((name) => /^[0-9a-f]{16}$/.test(name)) : [];
  }

  #isMounted(): boolean {
    return mountPointsBelow(this.#root, readMountTable()).includes(this.#root);
  }

  /** Two processes must not mount one tmpfs over the other. */
  async #mount(wait: Waiting['wait']): Promise<void> {
    if (this.#isMounted()) return;
    mkdirSync(this.#root, { recursive: true, mode: 0o700 });
    const parent = dirname(this.#root);
    let release: (() => void) | undefined;
    while (!(release = lockDirectory(this.#kernel, parent, 'exclusive'))) await wait(`another process keeps ${parent} locked`);
    try {
      if (!this.#isMounted()) this.#kernel.mount('tmpfs', this.#root, 'tmpfs', MS_NOSUID | MS_NODEV, 'mode=0700');
    } finally {
      release();
    }
  }

  #lock(key: string, kind: 'shared' | 'exclusive'): (() => void) | undefined {
    return lockDirectory(this.#kernel, this.files(key).directory, kind);
  }
}
