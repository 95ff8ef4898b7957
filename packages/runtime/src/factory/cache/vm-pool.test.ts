import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
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
  const log = { debug() {}, info() {}, error() {}, warn: (_: string, fields: object = {}) => void warnings.push(JSON.stringify(fields)) };
  const pool = (settings: Partial<PoolSettings<Vm>> = {}): VmPool<Vm> =>
    new VmPool<Vm>({
      size: 2,
      make: async () => {
        await sleep(5);
        made.push({ name: made.length, alive: true });
        return made.at(-1) as Vm;
      },
      isUsable: ({ alive }) => alive,
      discard: async (vm) => void discarded.push(vm),
      log: { ...log, child: () => ({ ...log, child: () => assert.fail() }) },
      quietMs: 0,
      retryMs: 5,
      ...settings,
    });
  const names = (vms: readonly Vm[]): number[] => vms.map(({ name }) => name);
  async function until(condition: () => boolean): Promise<void> {
    for (let left = 200; !condition(); left--) {
      assert.ok(left > 0, 'it did not come');
      await sleep(5);
    }
  }
  beforeEach(() => ([made, discarded, warnings] = [[], [], []]));

  it('fills itself, gives the oldest, and fills itself again', async () => {
    const vms = pool();
    assert.equal(vms.take(), undefined);
    await until(() => vms.ready().length === 2);
    assert.equal(vms.take()?.name, 0);
    await until(() => made.length === 3);
    assert.deepEqual(names(vms.ready()), [1, 2]);
    await vms.close();
    assert.deepEqual(names(discarded), [1, 2]);
  });

  it('does not make one while VMs are taken, unless it is empty', async () => {
    const vms = pool({ quietMs: 100 });
    await until(() => vms.ready().length === 2);
    vms.take();
    await sleep(40);
    assert.equal(made.length, 2);
    vms.take();
    await until(() => made.length === 3);
    await sleep(40);
    assert.equal(made.length, 3);
    await until(() => made.length === 4);
    await vms.close();
  });

  it('one that has died is not given', async () => {
    const vms = pool();
    await until(() => vms.ready().length === 2);
    (made[0] as Vm).alive = false;
    assert.equal(vms.take()?.name, 1);
    assert.deepEqual(names(discarded), [0]);
    await vms.close();
  });

  it('one that was given back is the next, and is ended after the end', async () => {
    const vms = pool();
    await until(() => vms.ready().length === 2);
    const [one, two] = [vms.take(), vms.take()];
    vms.giveBack(one as Vm);
    assert.equal(vms.take(), one);
    await vms.close();
    vms.giveBack(two as Vm);
    assert.ok(discarded.includes(two as Vm));
  });

  it('tries again after a failure, and says why', async () => {
    let failures = 2;
    const vms = pool({
      make: async () => {
        if (failures-- > 0) throw new Error('no memory');
        made.push({ name: made.length, alive: true });
        return made.at(-1) as Vm;
      },
    });
    await until(() => vms.ready().length === 2);
    assert.deepEqual(warnings, ['{"reason":"no memory"}', '{"reason":"no memory"}']);
    await vms.close();
  });

  it('the end waits for the one that is being made', async () => {
    const vms = pool();
    await vms.close();
    assert.deepEqual([names(made), names(discarded)], [[0], [0]]);
  });
});
