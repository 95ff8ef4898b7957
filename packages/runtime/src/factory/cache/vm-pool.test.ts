import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { VmPool } from './vm-pool.ts';
import type { PoolSettings } from './vm-pool.ts';

interface Vm {
  readonly name: number;
  alive: boolean;
}

describe('VmPool', () => {
  let made: Vm[];
  let discarded: Vm[];
  let warnings: string[];
  let now = 0;
  const log = { debug() {}, info() {}, error() {}, warn: (_: string, fields: object = {}) => void warnings.push(JSON.stringify(fields)) };
  const make = (): Promise<Vm> => {
    const vm = { name: made.length, alive: true };
    made.push(vm);
    return Promise.resolve(vm);
  };
  const pool = (settings: Partial<PoolSettings<Vm>> = {}): VmPool<Vm> =>
    new VmPool<Vm>({
      size: 2,
      make,
      isUsable: ({ alive }) => alive,
      discard: async (vm) => void discarded.push(vm),
      log: { ...log, child: () => ({ ...log, child: () => assert.fail() }) },
      quietMs: 0,
      retryMs: 5,
      ...settings,
    });
  const names = (vms: readonly Vm[]): number[] => vms.map(({ name }) => name);
  /** Returns when only timers can make something happen. */
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  async function pass(milliseconds: number): Promise<void> {
    now += milliseconds;
    mock.timers.tick(milliseconds);
    await settle();
  }
  async function full(settings: Partial<PoolSettings<Vm>> = {}): Promise<VmPool<Vm>> {
    const vms = pool(settings);
    await settle();
    assert.equal(vms.ready().length, 2);
    return vms;
  }
  beforeEach(() => {
    [made, discarded, warnings, now] = [[], [], [], 0];
    mock.method(performance, 'now', () => now);
    mock.timers.enable({ apis: ['setTimeout'] });
  });
  afterEach(() => {
    mock.timers.reset();
    mock.restoreAll();
  });

  it('makes VMs, returns the oldest VM, and makes another', async () => {
    const vms = pool();
    assert.equal(vms.take(), undefined);
    await settle();
    assert.equal(vms.take()?.name, 0);
    await settle();
    assert.deepEqual(names(vms.ready()), [1, 2]);
    await vms.close();
    assert.deepEqual(names(discarded), [1, 2]);
  });

  it('makes no VM while VMs are requested, unless it is empty', async () => {
    const vms = await full({ quietMs: 100 });
    vms.take();
    await pass(40);
    assert.equal(made.length, 2);
    vms.take();
    await settle();
    assert.equal(made.length, 3);
    await pass(99);
    assert.equal(made.length, 3);
    await pass(1);
    assert.equal(made.length, 4);
    await vms.close();
  });

  it('discards a VM that has ended', async () => {
    const vms = await full();
    (made[0] as Vm).alive = false;
    assert.equal(vms.take()?.name, 1);
    assert.deepEqual(names(discarded), [0]);
    await vms.close();
  });

  it('next returns a VM that was given back, and discards it after the pool is closed', async () => {
    const vms = await full();
    const [one, two] = [vms.take(), vms.take()];
    vms.giveBack(one as Vm);
    assert.equal(vms.take(), one);
    await vms.close();
    vms.giveBack(two as Vm);
    assert.ok(discarded.includes(two as Vm));
  });

  it('retries after a failure and logs the reason', async () => {
    let failures = 2;
    const vms = pool({ make: () => (failures-- > 0 ? Promise.reject(new Error('no memory')) : make()) });
    await settle();
    assert.deepEqual(warnings, ['{"reason":"no memory"}']);
    await pass(5);
    assert.deepEqual(warnings, ['{"reason":"no memory"}', '{"reason":"no memory"}']);
    await pass(5);
    assert.equal(vms.ready().length, 2);
    await vms.close();
  });

  it('waits in close() for the VM that it is making', async () => {
    const gate = Promise.withResolvers<void>();
    const vms = pool({ make: () => gate.promise.then(make) });
    const closed = vms.close();
    await settle();
    assert.deepEqual([names(made), names(discarded)], [[], []]);
    gate.resolve();
    await closed;
    assert.deepEqual([names(made), names(discarded)], [[0], [0]]);
  });

  it('waits in close() for the end of a VM that it discarded before', async () => {
    const gate = Promise.withResolvers<void>();
    const vms = await full({ discard: () => gate.promise });
    (made[0] as Vm).alive = false;
    vms.take();
    let isClosed = false;
    const closed = vms.close().then(() => (isClosed = true));
    await settle();
    assert.equal(isClosed, false);
    gate.resolve();
    await closed;
  });
});
