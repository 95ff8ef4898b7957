/** The first container of a clone that starts beside docker's hook: it is created in the guest before the hook has ended. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { leftovers } from '../support/leftovers.ts';
import { LoopDevices, numbersOf } from '../support/loop-devices.ts';
import { TemplateRig, addLink, wait } from './template-rig.ts';

const DOCKERS = 'libnetwork-setkey';

describe('an early container', function () {
  this.timeout(60_000);
  let rig: TemplateRig;
  const loops = new LoopDevices();
  /** The time of what must not happen. */
  const NOTHING_S = 0.5;
  const calls = (name: string): string => rig.scratch.file(name);
  /** For a hook: waits until the agent has received the call. */
  const received = (name: string): string => wait(`grep -q '^${name} ' ${calls('calls')}`);
  const keepCalls = (): string => `cp ${calls('calls')} ${calls('beside')}\n`;
  /** The names of the calls of one kind, in their order. */
  function namesIn(file: string, kind: RegExp): string[] {
    const names = readFileSync(calls(file), 'utf8').split('\n').map((line) => line.split(' ')[0] ?? ''); // prettier-ignore
    return names.filter((name) => kind.test(name));
  }
  const MADE = /^(createSandbox|createContainer|updateInterface)$/;

  beforeEach(async () => {
    rig = new TemplateRig();
    await rig.expectLinks(1);
    writeFileSync(calls('calls'), '');
  });
  afterEach(async () => {
    await rig.close();
    await loops.close();
  });

  it("is created while docker's hook works, once", async () => {
    rig.hook(received('createContainer') + keepCalls() + addLink(0), DOCKERS);
    await rig.created();
    assert.deepEqual(namesIn('beside', MADE), ['createSandbox', 'createContainer']);
    assert.deepEqual(namesIn('calls', MADE), ['createSandbox', 'createContainer', 'updateInterface']);
    assert.deepEqual([rig.qemus(), await rig.status()], [['clone 1'], 'created']);
  });

  const later: [what: string, prepare: () => Promise<void> | void, hook: string][] = [
    ['of another hook', () => {}, 'hook'],
    ['with sysctls of links', () => rig.changeSpec((spec) => (spec.linux['sysctl'] = { 'net.ipv4.conf.eth0.rp_filter': '2' })), DOCKERS],
    [
      'with a disk',
      async () => {
        const disk = await loops.attach(rig.scratch.file('disk.img'), 8);
        const numbers = numbersOf(disk);
        const rules = [{ allow: true, type: 'b', ...numbers, access: 'rwm' }];
        rig.changeSpec((spec) => {
          spec.linux['devices'] = [{ path: '/dev/disk', type: 'b', ...numbers }];
          spec.linux['resources'] = { devices: rules };
        });
      },
      DOCKERS,
    ],
  ];
  for (const [what, prepare, hook] of later)
    it(`is not created before the links are known ${what}`, async () => {
      rig.hook(`${received('createSandbox')}sleep ${NOTHING_S}\n${keepCalls()}${addLink(0)}`, hook);
      await prepare();
      await rig.created();
      assert.deepEqual(namesIn('beside', MADE), ['createSandbox']);
      assert.deepEqual(namesIn('calls', MADE), ['createSandbox', 'updateInterface', 'createContainer']);
    });

  it('is created again in the VM that replaces the clone', async () => {
    rig.hook(received('createContainer'), DOCKERS); // adds no link
    await rig.created();
    assert.deepEqual(rig.qemus(), ['clone 1', 'template 0', 'clone 0']);
    const requests = rig.calls().filter((call) => call.startsWith('createContainer ') && call.includes(rig.id));
    assert.equal(requests.length, 2); // the other ones are of the template's maker
  });

  it('that the guest refuses leaves nothing behind, and the hook has ended', async () => {
    writeFileSync(calls('calls.refuses'), 'createContainer');
    rig.hook(`${received('createContainer')}sleep ${NOTHING_S}\n${addLink(0)}touch ${rig.scratch.file('ended')}`, DOCKERS);
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, stderr], [1, 'the guest says no\n']);
    readFileSync(rig.scratch.file('ended'));
    assert.deepEqual([leftovers(), (await rig.kata('list', '--quiet')).stdout], [[], '']);
  });

  for (const answer of ['has answered', 'does not answer'])
    it(`leaves nothing behind if the hook fails when the guest ${answer}`, async () => {
      if (answer === 'does not answer') writeFileSync(calls('calls.hold'), 'createContainer');
      rig.hook(`${received('createContainer')}sleep ${NOTHING_S}; exit 3`, DOCKERS);
      const begun = performance.now();
      assert.match((await rig.create()).stderr, /hook .*: exit code 3/);
      assert.ok(performance.now() - begun < 20_000, 'the create waits for the guest');
      assert.deepEqual([rig.qemus(), leftovers(), (await rig.kata('list', '--quiet')).stdout], [['clone 1'], [], '']);
    });

  it('is removed by delete if kata-runtime is killed', async () => {
    rig.hook(`${received('createContainer')}kill -KILL $PPID`, DOCKERS);
    const { code, stderr } = await rig.create();
    assert.deepEqual([code, stderr], [255, '']);
    assert.deepEqual([(await rig.kata('delete', '--force', rig.id)).code, leftovers()], [0, []]);
  });
});
