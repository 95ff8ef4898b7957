import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { examplePlan } from '../../hypervisor/qemu/example-plan.test-support.ts';
import type { QemuPlan } from '../../hypervisor/qemu/qemu-plan.ts';
import { UndoJournal } from '../../undo/undo-journal.ts';
import { inputFile, isUnchanged, templateInputs, templateKey } from './template-key.ts';
import { TemplateStore } from './template-store.ts';
import type { TemplateFiles } from './template-store.ts';
import { TemplateWaitError } from './template-wait-error.ts';

let root = '';
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'template-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('template key', () => {
  let plan: QemuPlan;
  beforeEach(() => {
    for (const name of ['qemu', 'kernel', 'image']) writeFileSync(join(root, name), name);
    plan = {
      ...examplePlan,
      binary: join(root, 'qemu'),
      kernel: join(root, 'kernel'),
      image: { path: join(root, 'image'), sizeBytes: 5 },
    };
  });
  const keyOf = (changed: Partial<QemuPlan> = {}): string => {
    const whole = { ...plan, ...changed };
    return templateKey(whole, templateInputs(whole));
  };

  it('is a short name', () => assert.match(keyOf(), /^[0-9a-f]{16}$/));

  const same: [what: string, changed: Partial<QemuPlan>][] = [
    ['sandbox', { sandboxId: 'other', uuid: '1', sharedDirectory: '/other' }],
    ['addresses and taps', { networks: [{ tap: 'tap0_kata', mac: '02:00:00:00:00:99' }] }],
    ['kind of taps', { networks: [{ tap: 'tap0_kata', mac: '02:00:00:00:00:99', macvtap: true }] }],
    ['sockets', { paths: { qmpSocket: '/a', consoleSocket: '/b', agentSocket: '/c', pidFile: '/d', qemuLog: '/d.log' } }],
  ];
  for (const [what, changed] of same) it(`another ${what}: the same template`, () => assert.equal(keyOf(changed), keyOf()));

  const different: [what: string, changed: Partial<QemuPlan>][] = [
    ['memory', { memoryMiB: 1024 }],
    ['number of network devices', { networks: [] }],
    ['kernel parameters', { kernelParams: 'agent.log=debug' }],
    ['machine type', { machineType: 'q35' }],
    ['accelerator option', { keepsCode: true }],
  ];
  for (const [what, changed] of different) it(`another ${what}: another template`, () => assert.notEqual(keyOf(changed), keyOf()));

  for (const name of ['qemu', 'kernel', 'image']) {
    it(`a changed ${name}: another template`, () => {
      const before = keyOf();
      utimesSync(join(root, name), 1, 1);
      assert.notEqual(keyOf(), before);
    });
  }

  it('a changed QEMU behind a script: another template', () => {
    const [script, log] = [join(root, 'wrapper'), join(root, 'log')];
    writeFileSync(log, '');
    chmodSync(join(root, 'qemu'), 0o755);
    writeFileSync(script, `#!/bin/sh\necho "$@" >>${log}\nexec ${join(root, 'qemu')} "$@"\n`);
    const before = keyOf({ binary: script });
    writeFileSync(log, 'a start');
    assert.equal(keyOf({ binary: script }), before, 'what the script writes does not count');
    utimesSync(join(root, 'qemu'), 1, 1);
    assert.notEqual(keyOf({ binary: script }), before);
  });

  it('detects a changed file', () => {
    const input = inputFile(plan.kernel);
    assert.equal(isUnchanged(input), true);
    rmSync(plan.kernel);
    assert.equal(isUnchanged(input), false);
  });
});

describe('TemplateStore', () => {
  /** The locks are real; nothing is mounted. */
  const kernel = { mount: () => {}, umountExactly: () => {}, setns: () => {}, tryLock: linuxKernel.tryLock.bind(linuxKernel) };
  const [one, two] = ['1111111111111111', '2222222222222222'] as const;
  let store: TemplateStore;
  let made: string[];
  beforeEach(() => {
    store = new TemplateStore(join(root, 'store'), kernel);
    made = [];
  });

  const make = async (files: TemplateFiles): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve)); // lets other callers run
    made.push(files.key);
    writeFileSync(files.record, JSON.stringify({ inputs: [] }));
    writeFileSync(files.state, 'state');
  };
  const use = async (key: string): Promise<void> => (await store.hold(key, make, 5000)).release();

  it('makes a template once for concurrent requests', async () => {
    await Promise.all(Array.from({ length: 10 }, () => use(one)));
    await use(one);
    assert.deepEqual(made, [one]);
  });

  it('does not block other keys while a template is locked', async () => {
    const held = await store.hold(one, make, 5000);
    await use(two);
    held.release();
    assert.deepEqual(store.keys().sort(), [one, two]);
  });

  it('does not remove a locked template', async () => {
    const held = await store.hold(one, make, 5000);
    assert.equal(await store.remove(one), false);
    await assert.rejects(store.destroy(), /1111111111111111 is being made or loaded/);
    held.release();
    assert.equal(await store.remove(one), true);
    assert.deepEqual(store.keys(), []);
  });

  it('leaves nothing after a failed maker, and waiting requests do not retry', async () => {
    let [tries, refusals] = [0, 0];
    const othersWait = Promise.withResolvers<void>();
    const tryLock: Kernel['tryLock'] = (...call) => {
      const isLocked = linuxKernel.tryLock(...call);
      if (!isLocked && ++refusals === 2) othersWait.resolve();
      return isLocked;
    };
    const fail = async (): Promise<void> => {
      tries++;
      await othersWait.promise;
      throw new Error('no QEMU');
    };
    const observed = new TemplateStore(join(root, 'store'), { ...kernel, tryLock });
    const results = await Promise.allSettled([1, 2, 3].map(() => observed.hold(one, fail, 5000)));
    const waits = results.map((result) => {
      assert.equal(result.status, 'rejected');
      return result.reason instanceof TemplateWaitError ? result.reason.waitedMs > 0 : undefined;
    });
    assert.deepEqual(waits, [undefined, true, true]);
    assert.equal(tries, 1);
    assert.deepEqual(readdirSync(join(root, 'store')), []);
  });

  it('lists templates and prunes templates with changed inputs', async () => {
    await use(one);
    await use(two);
    const input = join(root, 'input');
    writeFileSync(input, 'QEMU');
    writeFileSync(store.files(one).record, JSON.stringify({ inputs: [inputFile(input)] }));
    rmSync(input);
    const fresh = Object.fromEntries(store.list().map(({ key, isFresh, bytes }) => [key, [isFresh, bytes > 0]]));
    assert.deepEqual(fresh, { [one]: [false, true], [two]: [true, true] });
    assert.deepEqual(
      (await store.prune()).map(({ key }) => key),
      [one],
    );
    assert.deepEqual(store.keys(), [two]);
    assert.deepEqual(await store.prune(), []);
  });

  it('undoes the remains of a killed maker', async () => {
    const { directory, journal } = store.files(one);
    const left = join(root, 'left');
    mkdirSync(left);
    mkdirSync(directory, { recursive: true });
    new UndoJournal(journal).record({ undo: 'rmdir', path: left });
    writeFileSync(join(directory, 'memory'), 'half');
    await use(one);
    assert.equal(existsSync(left), false);
    assert.deepEqual(readdirSync(directory).sort(), ['state', 'template.json']);
  });

  it('waits for a maker until a timeout', async () => {
    const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const makeSlowly = (): Promise<void> => {
      begun.resolve();
      return end.promise;
    };
    const slow = store.hold(one, makeSlowly, 5000);
    await begun.promise;
    await assert.rejects(store.hold(one, make, 40), /another process has not made the VM template yet/);
    end.resolve();
    await assert.rejects(slow, /the VM template was not made/);
  });

  it('waits for the lock of a complete template until a timeout', async () => {
    await use(one);
    let refusals = 0;
    const tryLock: Kernel['tryLock'] = (fd, kind) => {
      if (kind === 'exclusive') return linuxKernel.tryLock(fd, kind);
      assert.ok(++refusals < 1000, 'it spins');
      return false;
    };
    const refused = new TemplateStore(join(root, 'store'), { ...kernel, tryLock });
    await assert.rejects(
      refused.hold(one, make, 50),
      (error) => error instanceof TemplateWaitError && /keeps the VM template locked/.test(error.message),
    );
    assert.deepEqual(made, [one]);
  });

  it('makes a template again that was removed while it waited for its lock', async () => {
    await use(one);
    let refusals = 0;
    const tryLock: Kernel['tryLock'] = (fd, kind) => {
      if (kind === 'exclusive' || refusals > 0) return linuxKernel.tryLock(fd, kind);
      refusals++;
      rmSync(store.files(one).directory, { recursive: true });
      return false;
    };
    (await new TemplateStore(join(root, 'store'), { ...kernel, tryLock }).hold(one, make, 5000)).release();
    assert.deepEqual(made, [one, one]);
  });

  it('waits until a timeout for a process that mounts the tmpfs', async () => {
    const tryLock: Kernel['tryLock'] = () => false;
    const refused = new TemplateStore(join(root, 'store'), { ...kernel, tryLock });
    await assert.rejects(refused.hold(one, make, 50), /another process keeps .* locked/);
  });

  it('removes templates with changed files when it makes a new template', async () => {
    const kernelFile = join(root, 'kernel');
    writeFileSync(kernelFile, 'old');
    const inputs = [inputFile(kernelFile)];
    const held = await store.hold(
      one,
      (files) => {
        writeFileSync(files.record, JSON.stringify({ inputs }));
        writeFileSync(files.state, '');
        return Promise.resolve();
      },
      100,
    );
    writeFileSync(kernelFile, 'newer');
    held.release();
    await use(two);
    assert.deepEqual(store.keys(), [two]);
  });

  it('removes the oldest of too many templates', async () => {
    const keys = ['a', 'b', 'c', 'd', 'e', 'f'].map((letter) => letter.repeat(16));
    for (const [index, key] of keys.entries()) {
      await use(key);
      utimesSync(store.files(key).state, index + 1, index + 1);
    }
    assert.deepEqual(store.keys().sort(), keys.slice(-4));
  });

  it('removes all templates by destroy, and unmounts only mount points', async () => {
    for (const key of [one, two]) await use(key);
    await new TemplateStore(join(root, 'store'), { ...kernel, umountExactly: () => assert.fail('it is not mounted') }).destroy();
    assert.deepEqual(readdirSync(join(root, 'store')), []);
  });
});
