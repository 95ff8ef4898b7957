/** Resources that a pod's containers use and release: disks, vCPUs, entries of the journal, volumes in use. */
import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { leftovers } from '../support/leftovers.ts';
import type { Outcome } from '../support/run.ts';
import { DiskRig, SILENT, back, front, gone, quiet, withDevice } from './disk-rig.ts';
import type { Modes } from './runtime-rig.ts';

describe("a pod's containers and the release of their resources", function () {
  this.timeout(60_000);
  let rig: DiskRig;
  beforeEach(async () => {
    rig = new DiskRig();
    await rig.open();
  });
  afterEach(() => rig.close());

  /** Creates a container of the pod with the device. */
  function member(id: string, linux: object, mounts: object[] = []): Promise<Outcome> {
    const bundle = rig.scratch.file(`bundle-${id}`);
    mkdirSync(`${bundle}/rootfs`, { recursive: true });
    const spec = JSON.parse(readFileSync(rig.scratch.file('bundle/config.json'), 'utf8').replace('18446744073709551615', '0')) as object;
    const annotations = { 'io.kubernetes.cri.container-type': 'container', 'io.kubernetes.cri.sandbox-id': rig.id };
    const own = { cgroupsPath: `/${rig.id}-${id}`, namespaces: [], ...linux };
    writeFileSync(`${bundle}/config.json`, JSON.stringify({ ...spec, annotations, mounts, linux: own }));
    return rig.kata('create', '--bundle', bundle, id);
  }
  const remove = async (id: string): Promise<void> => assert.deepEqual(quiet(await rig.kata('delete', '--force', id)), SILENT);

  async function startPod(modes: Modes = {}): Promise<void> {
    rig.prepare(modes);
    rig.ask({ resources: {} });
    assert.deepEqual(quiet(await rig.create()), SILENT);
  }

  it('a disk of two containers is attached once, and detached with the last one', async () => {
    await startPod();
    assert.deepEqual(quiet(await member('a', withDevice(rig.disk))), SILENT);
    assert.deepEqual(quiet(await member('b', withDevice(rig.disk, 'rw', '/dev/other'))), SILENT);
    assert.deepEqual(rig.commands(), [back(rig.disk), front(0)]);
    assert.deepEqual(rig.disks().map(({ Index, Containers }) => [Index, Containers]), [[0, ['a', 'b']]]); // prettier-ignore
    await remove('a');
    assert.deepEqual([rig.commands().length, rig.disks()[0]?.Containers], [2, ['b']]);
    await remove('b');
    assert.deepEqual([rig.commands().slice(2), rig.disks()], [gone, []]);
  });

  it('a container that only reads gets a separate disk with the lowest free number', async () => {
    await startPod();
    await member('a', withDevice(rig.disk));
    await member('b', withDevice(rig.disk, 'r'));
    assert.deepEqual(rig.commands(), [back(rig.disk), front(0), back(rig.disk, true), front(1)]);
    await remove('a');
    await member('c', withDevice(rig.disk));
    assert.deepEqual(rig.commands().slice(-2), [back(rig.disk), front(0)]);
  });

  it('a disk is detached even if the guest does not answer RemoveContainer', async () => {
    await startPod({ refuses: 'removeContainer' });
    await member('a', withDevice(rig.disk));
    await remove('a');
    assert.deepEqual([rig.commands().slice(-2), rig.disks()], [gone, []]);
  });

  for (const [name, modes] of [
    ['QEMU', { qemu: 'blockdev-add' }],
    ['QEMU (device_add)', { qemu: 'device_add' }],
  ] as const)
    it(`a disk that ${name} refuses leaves nothing behind, and its number is free`, async () => {
      await startPod(modes);
      const before = leftovers();
      const { code, stderr } = await member('a', withDevice(rig.disk));
      assert.equal(code, 1);
      assert.match(stderr, /^block device \S+ cannot be plugged: [^\n]*\n$/);
      assert.deepEqual([rig.disks(), leftovers()], [[], before]);
    });

  it('a create that fails later detaches the disk', async () => {
    await startPod();
    const before = leftovers();
    const resources = { ...withDevice(rig.disk).resources, memory: { limit: 2 ** 50 } };
    assert.match((await member('a', { ...withDevice(rig.disk), resources })).stderr, /^Unable to hotplug/);
    assert.deepEqual([rig.commands(), rig.disks(), leftovers()], [[back(rig.disk), front(0), ...gone], [], before]);
  });

  it('the next create that uses the disk removes the record of a killed create', async () => {
    await startPod();
    await member('a', withDevice(rig.disk));
    const file = `/run/vc/sbs/${rig.id}/persist.json`;
    const state = JSON.parse(readFileSync(file, 'utf8')) as SandboxState;
    writeFileSync(file, JSON.stringify({ ...state, Devices: rig.disks().map((record) => ({ ...record, Plugged: false })) }));
    assert.deepEqual(quiet(await member('b', withDevice(rig.disk))), SILENT);
    assert.deepEqual(rig.commands().slice(2), [...gone, back(rig.disk), front(0)]);
    assert.deepEqual(rig.disks().map(({ Containers, Plugged }) => [Containers, Plugged]), [[['b'], true]]); // prettier-ignore
  });

  it('a container is removed even if the guest keeps its disk, whose address stays in use', async () => {
    rig.prepare({ qemu: 'keeps' });
    rig.configure('accelerator', 'kvm'); // the wait is a sixth as long
    rig.ask({ resources: {} });
    assert.deepEqual(quiet(await rig.create()), SILENT);
    await member('a', withDevice(rig.disk));
    await remove('a');
    assert.deepEqual(rig.disks().map(({ Index, Containers, Plugged }) => [Index, Containers, Plugged]), [[0, [], false]]); // prettier-ignore
    assert.deepEqual(quiet(await member('b', withDevice(rig.disk))), SILENT);
    assert.deepEqual(rig.disks().map(({ Index, Containers, Plugged }) => [Index, Containers, Plugged]), [[0, [], false], [1, ['b'], true]]); // prettier-ignore
  });

  it('vCPUs of a failed create are unplugged', async () => {
    await startPod({ qemu: 'query-cpus-fast', configuration: { 'hypervisor.qemu.accelerator': 'kvm' } });
    const { code } = await member('a', { resources: { cpu: { quota: 100_000, period: 100_000 } } });
    assert.equal(code, 1);
    assert.deepEqual(rig.qmp().map((line) => line.split(' ')[0]), ['device_add', 'device_del']); // prettier-ignore
  });

  it('removed containers leave no entries in the journal', async () => {
    await startPod();
    const journal = (): number => readFileSync(`/run/vc/sbs/${rig.id}/undo.jsonl`).length;
    const before = journal();
    for (const id of ['a', 'b', 'c']) {
      await member(id, {}, [{ destination: '/v', type: 'bind', source: rig.scratch.file('volume'), options: ['rbind'] }]);
      await remove(id);
    }
    assert.equal(journal(), before);
  });

  it('the files of a volume are kept if the volume is in use when its container is deleted (kata-containers#11183)', async () => {
    await startPod();
    await member('a', {}, [{ destination: '/v', type: 'bind', source: rig.scratch.file('volume'), options: ['rbind'] }]);
    const mounts = `/run/kata-containers/shared/sandboxes/${rig.id}/mounts`;
    const name = readdirSync(mounts).find((entry) => entry.startsWith('a-')) ?? assert.fail('the volume is shared');
    const held = openSync(`${mounts}/${name}/volume/kept`, 'r');
    try {
      for (let attempt = 0; attempt < 2; attempt++) {
        const { stderr } = await rig.kata('delete', '--force', attempt === 0 ? 'a' : rig.id);
        assert.match(stderr, /is not removed completely: [^\n]*EBUSY/);
        assert.equal(readFileSync(rig.scratch.file('volume/kept'), 'utf8'), 'data');
      }
    } finally {
      closeSync(held);
    }
    await remove(rig.id);
    assert.deepEqual([leftovers(), readFileSync(rig.scratch.file('volume/kept'), 'utf8')], [[], 'data']);
  });

  it('a partly removed container can be removed', async () => {
    await startPod();
    const before = leftovers();
    await member('a', {});
    const mapping = `/run/kata-containers/containers-mapping/a/${rig.id}`;
    for (const path of [mapping, dirname(mapping)]) rmdirSync(path); // as when delete was killed
    await remove('a');
    assert.deepEqual(leftovers(), before);
  });
});
