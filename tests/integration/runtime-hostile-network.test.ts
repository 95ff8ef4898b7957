/** Answers of a hostile guest to the calls that configure and list its network. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { addLink, inNamespace } from './namespace-links.ts';
import { RuntimeRig } from './runtime-rig.ts';

const MAC = '02:00:00:00:00:77';
const ADDRESS = '10.7.0.2/24';
const LINK = { Device: 'eth1', Name: 'eth1', Mtu: 1500, HwAddr: MAC };

/** `long` and `broken` of fakes/proxy.ts, each with the error. */
const forms: Readonly<Record<string, (call: string) => string>> = {
  long: () => 'the response of 800000 bytes is too long (limit 524288)\n',
  broken: (call) => `the agent's answer to ${call.replace(/^./, (letter) => letter.toUpperCase())} is not a protobuf message\n`,
};

interface Row {
  /** Arguments of kata-runtime, with ID and FILE. */
  readonly command: string;
  /** What the guest is asked. */
  readonly call: string;
  readonly file?: object;
  /** Whether the container runs before the command. */
  readonly isRunning: boolean;
  /** Names of the links that are attached after the failure. */
  readonly attached: readonly string[];
}

const rows: readonly Row[] = [
  { command: 'start ID', call: 'updateInterface', isRunning: false, attached: ['eth1'] },
  { command: 'start ID', call: 'updateRoutes', isRunning: false, attached: ['eth1'] },
  { command: 'start ID', call: 'startContainer', isRunning: false, attached: ['eth1'] },
  { command: 'kata-network sync ID', call: 'updateInterface', isRunning: true, attached: ['eth1'] },
  { command: 'kata-network sync ID', call: 'updateRoutes', isRunning: true, attached: ['eth1'] },
  { command: 'kata-network add-iface ID FILE', call: 'updateInterface', file: LINK, isRunning: true, attached: [] },
  { command: 'kata-network update-routes ID FILE', call: 'updateRoutes', file: [], isRunning: true, attached: [] },
  { command: 'kata-network list-ifaces ID', call: 'listInterfaces', isRunning: true, attached: [] },
  { command: 'kata-network list-routes ID', call: 'listRoutes', isRunning: true, attached: [] },
];

describe('a hostile guest and its network', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** Links of the VM: by the record, by the host's taps, by QEMU's devices. */
  async function attached(): Promise<{ recorded: string[]; taps: string[]; devices: string[] }> {
    const state = JSON.parse(readFileSync(`/run/vc/sbs/${rig.id}/persist.json`, 'utf8')) as { Network: { Endpoints: { Name: string }[] } };
    const taps = JSON.parse((await inNamespace(rig, 'ip', '-json', 'link', 'show', 'type', 'tun')) || '[]') as { ifname: string }[];
    const changes = rig.qmp().flatMap((line) => /^netdev_(add|del) .*"id":"(\w+)"/.exec(line)?.slice(1) ?? []);
    const devices = new Set<string>();
    for (let index = 0; index < changes.length; index += 2) {
      const [verb, id = ''] = changes.slice(index);
      if (verb === 'add') devices.add(id);
      else devices.delete(id);
    }
    return { recorded: state.Network.Endpoints.map(({ Name }) => Name), taps: taps.map(({ ifname }) => ifname), devices: [...devices] };
  }
  const ofLinks = (names: readonly string[]): Awaited<ReturnType<typeof attached>> => ({
    recorded: [...names],
    taps: names.map((_, index) => `tap${index}_kata`),
    devices: names.map((_, index) => `br${index}_kata`),
  });

  async function prepare({ isRunning }: Row): Promise<void> {
    rig.prepare();
    rig.changeSpec((spec) => (spec.linux['resources'] = {}));
    assert.equal((await rig.create()).stderr, '');
    if (isRunning) assert.equal((await rig.kata('start', rig.id)).stderr, '');
    await addLink(rig, 'eth1', MAC, ADDRESS);
    await inNamespace(rig, 'ip', 'route', 'add', 'default', 'via', '10.7.0.1');
  }

  for (const row of rows)
    for (const [form, text] of Object.entries(forms))
      it(`${row.command.replace(/ ID.*/, '')}: a ${form} answer to ${row.call}`, async () => {
        const { command, call, file = {} } = row;
        const [hostile, json] = [rig.scratch.file('calls.hostile'), rig.scratch.file('given.json')];
        await prepare(row);
        writeFileSync(json, JSON.stringify(file));
        writeFileSync(hostile, `${form} ${call}`);
        const args = command.replace('ID', rig.id).replace('FILE', json).split(' ');
        const { code, stdout, stderr } = await rig.kata(...args);
        assert.deepEqual([code, stdout, stderr], [1, '', text(call)]);
        assert.deepEqual(await attached(), ofLinks(row.attached));
        assert.equal(await rig.status(), row.isRunning ? 'running' : 'created');
        // The next attempt does what this one has not done.
        rmSync(hostile);
        assert.equal((await rig.kata(...args)).stderr, '');
        assert.deepEqual(await attached(), ofLinks(command.includes('FILE') && 'Device' in file ? ['eth1'] : row.attached));
        if (row.attached.length > 0)
          for (const request of ['updateInterface', 'updateRoutes'])
            assert.ok(rig.calls().filter((line) => line.startsWith(`${request} `)).length >= (request === call ? 2 : 1), request);
      });
});
