/**
 * VMs cloned from a template: the template is made for the network that the engine's hooks configure, and without a usable template a VM is
 * booted.
 */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import { TemplateRig, addLink } from './template-rig.ts';

describe('kata-runtime and VM templates', function () {
  this.timeout(60_000);
  let rig: TemplateRig;
  async function tc(link: string): Promise<string> {
    const pid = readFileSync(rig.scratch.file('pid'), 'latin1');
    return (await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'tc', 'filter', 'show', 'dev', link, 'parent', 'ffff:'])).stdout;
  }
  beforeEach(() => (rig = new TemplateRig()));
  afterEach(() => rig.close());

  for (const [what, links] of [
    ['no link', []],
    ['one link', [0]],
    ['two links', [0, 1]],
  ] as const)
    it(`${what}: a template with as many devices is made once, and its clones are attached to the links`, async () => {
      rig.prepareTemplates();
      rig.hook(links.map(addLink).join(''));
      await rig.created();
      assert.deepEqual([rig.qemus('before-hook'), rig.qemus()], [[], [`template ${links.length}`, `clone ${links.length}`]]);
      await rig.kata('delete', '--force', rig.id);
      await rig.created();
      assert.deepEqual(rig.qemus().slice(2), [`clone ${links.length}`]);
      for (const number of links) {
        assert.match(await tc(`eth${number}`), new RegExp(`Egress Redirect to device tap${number}_kata`));
        assert.match(await tc(`tap${number}_kata`), new RegExp(`Egress Redirect to device eth${number}`));
      }
    });

  it('a guest that does not boot in time is not booted again', async () => {
    rig.prepareTemplates();
    rig.configure('accelerator', 'kvm'); // its time-out is the shorter one: 30 s
    writeFileSync(rig.scratch.file('calls.hold'), 'check');
    const { code, stderr } = await rig.create();
    rmSync(rig.scratch.file('calls.hold'));
    assert.deepEqual([code, stderr.trim()], [1, 'the guest did not start within 30 s: the agent did not answer Check in time']);
    assert.deepEqual(rig.qemus(), ['template 0']);
  });

  it('a create that has waited for a template boots in the rest of the time of a boot', async () => {
    rig.prepareTemplates();
    rig.configure('accelerator', 'kvm');
    writeFileSync(rig.scratch.file('calls.hold'), 'check');
    const other = `${rig.id}-other`;
    const first = rig.create();
    await until('the start of the template', () => rig.qemus().length > 0);
    const { code, stderr } = await rig.kata('create', '--bundle', rig.scratch.file('bundle'), other);
    rmSync(rig.scratch.file('calls.hold'));
    assert.equal((await first).code, 1);
    assert.match(stderr, /^the guest did not start within 20 s, after another process had not made the VM template for 10 s: the agent /);
    assert.equal(code, 1);
    assert.deepEqual(rig.qemus(), ['template 0', 'booted 0']);
  });

  it('the guest gets the addresses that the hook has set', async () => {
    rig.prepareTemplates();
    rig.hook(addLink(0));
    await rig.created();
    const given = rig.lastRequest('updateInterface') as { interface: { name: string; IPAddresses: { address: string }[] } };
    assert.deepEqual([given.interface.name, given.interface.IPAddresses[0]?.address], ['eth0', '10.7.0.2']);
  });

  it('factory init compiles the seccomp profile of the last container', async () => {
    rig.prepareTemplates();
    rig.configure('disable_guest_seccomp', false);
    rig.changeSpec((spec) =>
      Object.assign(spec, { linux: { ...spec.linux, seccomp: { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'] } } }),
    );
    await rig.created();
    writeFileSync(rig.scratch.file('kernel'), 'another'); // the template is not usable any more
    assert.equal((await rig.kata('factory', 'init')).code, 0);
    const { container_id, OCI } = rig.lastRequest('createContainer') as {
      container_id: string;
      OCI: { Linux: { Seccomp: { DefaultAction: string; Architectures: string[] } } };
    };
    const { DefaultAction, Architectures } = OCI.Linux.Seccomp;
    assert.deepEqual([container_id, DefaultAction, Architectures], ['warm-up', 'SCMP_ACT_ERRNO', ['SCMP_ARCH_X86_64']]);
  });

  it('if a hook fails, create fails with its error and starts no VM', async () => {
    rig.prepareTemplates();
    rig.hook('echo no network today >&2; exit 3');
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(stderr, /hook .*: exit code 3: stdout: , stderr: no network today/);
    assert.deepEqual(rig.qemus(), []);
  });

  describe('with a hosts file that tells how many links the hook will add, a clone starts beside the hook', () => {
    for (const count of [0, 1, 2])
      it(`and is used if the hook adds ${count} links, as expected`, async () => {
        await rig.expectLinks(count);
        const numbers = [0, 1].slice(0, count);
        rig.hook(`${rig.running()}cp ${rig.scratch.file('qemus')} ${rig.scratch.file('beside')}\n${numbers.map(addLink).join('')}`);
        await rig.created();
        assert.deepEqual([rig.qemus('beside'), rig.qemus()], [[`clone ${count}`], [`clone ${count}`]]);
        for (const number of numbers) {
          assert.match(await tc(`eth${number}`), new RegExp(`Egress Redirect to device tap${number}_kata`));
          assert.match(await tc(`tap${number}_kata`), new RegExp(`Egress Redirect to device eth${number}`));
        }
      });

    it('and the hook gets the pid of another process, which stays in the network namespace while QEMU starts', async () => {
      await rig.expectLinks(1);
      rig.hook(
        `ns=\${in#*=}; [ $ns != /proc/$PPID/ns/net ]; [ $ns -ef /proc/self/ns/net ]\n${rig.running()}[ $ns -ef /proc/self/ns/net ]\n${addLink(0)}`,
      );
      await rig.created();
      assert.deepEqual(rig.qemus(), ['clone 1']);
    });

    for (const links of [[], [0, 1]])
      it(`and is replaced if the hook adds ${links.length} links in place of one`, async () => {
        await rig.expectLinks(1);
        rig.hook(rig.running() + links.map(addLink).join(''));
        await rig.created();
        assert.deepEqual(rig.qemus(), ['clone 1', `template ${links.length}`, `clone ${links.length}`]);
        const pid = readFileSync(rig.scratch.file('pid'), 'latin1');
        const { stdout } = await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-o', 'link', 'show', 'type', 'tun']);
        assert.equal(stdout.split('\n').filter(Boolean).length, links.length, stdout);
      });

    it('and is ended if the hook fails', async () => {
      await rig.expectLinks(1);
      rig.hook(`${rig.running()}exit 3`);
      assert.match((await rig.create()).stderr, /hook .*: exit code 3/);
      assert.deepEqual([rig.qemus(), leftovers(), (await rig.kata('list', '--quiet')).stdout], [['clone 1'], [], '']);
    });

    it('and is ended by delete if kata-runtime is killed', async () => {
      await rig.expectLinks(1);
      rig.hook(`${rig.running()}kill -KILL $PPID`);
      const { code, stderr } = await rig.create();
      assert.deepEqual([code, stderr], [255, '']); // no error of its own
      assert.deepEqual([(await rig.kata('delete', '--force', rig.id)).code, leftovers()], [0, []]);
    });

    it('and if it fails, a VM is booted on the same network', async () => {
      await rig.expectLinks(1, 'migrate-incoming');
      rig.hook(rig.running() + addLink(0));
      await rig.created();
      assert.deepEqual(rig.qemus(), ['clone 1', 'booted 1']);
      assert.match(await tc('eth0'), /Egress Redirect to device tap0_kata/);
    });
  });

  it('if the state cannot be loaded, a VM is booted on the same network', async () => {
    rig.prepareTemplates('migrate-incoming');
    rig.hook(addLink(0));
    await rig.created();
    await rig.kata('delete', '--force', rig.id);
    writeFileSync(rig.scratch.file('qemus'), '');
    await rig.created();
    assert.deepEqual(rig.qemus(), ['clone 1', 'booted 1']);
    assert.match(await tc('eth0'), /Egress Redirect to device tap0_kata/);
  });
});
