/**
 * VMs cloned from a template: the template is made for the network that the engine's hooks configure, and without a usable template a VM is
 * booted.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RuntimeRig, fake } from './runtime-rig.ts';

/** For a hook: creates a link in the namespace of the process in its input. */
const addLink = (number: number): string => `
$in ip link add eth${number} type veth peer name peer${number}
$in ip link set peer${number} up
$in ip address add 10.7.${number}.2/24 dev eth${number}
$in ip link set eth${number} up
`;

describe('kata-runtime and VM templates', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  const templates = (): string => rig.scratch.file('templates');

  /** `mode` is the mode of the fake QEMU. */
  function prepare(mode = 'good'): void {
    rig.prepare();
    const qemu = rig.executable('qemu', `echo "$*" >> ${rig.scratch.file('qemus')}; exec ${fake('qemu.ts')} ${mode} "$@"`);
    rig.configure('path', qemu);
    rig.configure('enable_template', true);
    rig.configure('template_path', templates());
    writeFileSync(rig.scratch.file('qemus'), '');
  }
  /** Gives the bundle a prestart hook, as docker does. */
  function hook(script: string): void {
    const path = rig.executable(
      'hook',
      `set -e
in="nsenter --net=/proc/$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')/ns/net"
cp ${rig.scratch.file('qemus')} ${rig.scratch.file('before-hook')}
${script}`,
    );
    rig.changeSpec((spec) =>
      Object.assign(spec, { hooks: { prestart: [{ path, args: ['hook'] }] }, linux: { ...spec.linux, resources: {} } }),
    );
  }
  /** The purpose of each QEMU, in the order of their starts. */
  const qemus = (name = 'qemus'): string[] =>
    readFileSync(rig.scratch.file(name), 'latin1')
      .split('\n')
      .filter(Boolean)
      .map((line) => {
        const kind = line.includes('template-') ? 'template' : / -incoming /.test(`${line} `) ? 'clone' : 'booted';
        return `${kind} ${line.match(/,id=network-/g)?.length ?? 0}`;
      });
  async function tc(link: string): Promise<string> {
    const pid = readFileSync(rig.scratch.file('pid'), 'latin1');
    return (await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'tc', 'filter', 'show', 'dev', link, 'parent', 'ffff:'])).stdout;
  }
  async function created(): Promise<Outcome> {
    const outcome = await rig.create();
    assert.deepEqual([outcome.code, outcome.stderr], [0, '']);
    return outcome;
  }
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(async () => {
    await rig.kata('delete', '--force', rig.id);
    if (existsSync(templates())) assert.equal((await rig.kata('factory', 'destroy')).code, 0);
    await rig.close();
  });

  for (const [what, links] of [
    ['no link', []],
    ['one link', [0]],
    ['two links', [0, 1]],
  ] as const)
    it(`${what}: a template with as many devices is made once, and its clones are attached to the links`, async () => {
      prepare();
      hook(links.map(addLink).join(''));
      await created();
      assert.deepEqual([qemus('before-hook'), qemus()], [[], [`template ${links.length}`, `clone ${links.length}`]]);
      await rig.kata('delete', '--force', rig.id);
      await created();
      assert.deepEqual(qemus().slice(2), [`clone ${links.length}`]);
      for (const number of links) {
        assert.match(await tc(`eth${number}`), new RegExp(`Egress Redirect to device tap${number}_kata`));
        assert.match(await tc(`tap${number}_kata`), new RegExp(`Egress Redirect to device eth${number}`));
      }
    });

  it('a guest that does not boot in time is not booted again', async () => {
    prepare();
    rig.configure('accelerator', 'kvm'); // its time-out is the shorter one: 30 s
    writeFileSync(rig.scratch.file('calls.hold'), 'check');
    const { code, stderr } = await rig.create();
    rmSync(rig.scratch.file('calls.hold'));
    assert.deepEqual([code, stderr.trim()], [1, 'the guest did not start within 30 s: the agent did not answer Check in time']);
    assert.deepEqual(qemus(), ['template 0']);
  });

  it('a create that has waited for a template boots in the rest of the time of a boot', async () => {
    prepare();
    rig.configure('accelerator', 'kvm');
    writeFileSync(rig.scratch.file('calls.hold'), 'check');
    const other = `${rig.id}-other`;
    const first = rig.create();
    await until('the start of the template', () => qemus().length > 0);
    const { code, stderr } = await rig.kata('create', '--bundle', rig.scratch.file('bundle'), other);
    rmSync(rig.scratch.file('calls.hold'));
    assert.equal((await first).code, 1);
    assert.match(stderr, /^the guest did not start within 20 s, after another process had not made the VM template for 10 s: the agent /);
    assert.equal(code, 1);
    assert.deepEqual(qemus(), ['template 0', 'booted 0']);
  });

  it('the guest gets the addresses that the hook has set', async () => {
    prepare();
    hook(addLink(0));
    await created();
    const given = rig.lastRequest('updateInterface') as { interface: { name: string; IPAddresses: { address: string }[] } };
    assert.deepEqual([given.interface.name, given.interface.IPAddresses[0]?.address], ['eth0', '10.7.0.2']);
  });

  it('factory init compiles the seccomp profile of the last container', async () => {
    prepare();
    rig.configure('disable_guest_seccomp', false);
    rig.changeSpec((spec) =>
      Object.assign(spec, { linux: { ...spec.linux, seccomp: { defaultAction: 'SCMP_ACT_ERRNO', architectures: ['SCMP_ARCH_X86_64'] } } }),
    );
    await created();
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
    prepare();
    hook('echo no network today >&2; exit 3');
    const { code, stderr } = await rig.create();
    assert.equal(code, 1);
    assert.match(stderr, /hook .*: exit code 3: stdout: , stderr: no network today/);
    assert.deepEqual(qemus(), []);
  });

  describe('with a hosts file that tells how many links the hook will add, a clone starts beside the hook', () => {
    /** Waits for the start of QEMU. */
    const running = (): string => `for i in $(seq 200); do [ -s ${rig.scratch.file('qemus')} ] && break; sleep 0.05; done\n`;
    /** Makes a template for so many links, and the hosts file for them. */
    async function expectLinks(count: number, mode = 'good'): Promise<void> {
      prepare(mode);
      const links = Array.from({ length: count }, (_, number) => number);
      hook(links.map(addLink).join(''));
      const source = rig.scratch.file('hosts');
      writeFileSync(source, `127.0.0.1\tlocalhost\n${links.map((number) => `10.7.${number}.2\tc1\n`).join('')}`);
      const mounts = [{ destination: '/etc/hosts', type: 'bind', source, options: ['rbind'] }];
      rig.changeSpec((spec) => Object.assign(spec, { hostname: 'c1', mounts }));
      await created();
      await rig.kata('delete', '--force', rig.id);
      writeFileSync(rig.scratch.file('qemus'), '');
    }

    for (const count of [0, 1, 2])
      it(`and is used if the hook adds ${count} links, as expected`, async () => {
        await expectLinks(count);
        const numbers = [0, 1].slice(0, count);
        hook(`${running()}cp ${rig.scratch.file('qemus')} ${rig.scratch.file('beside')}\n${numbers.map(addLink).join('')}`);
        await created();
        assert.deepEqual([qemus('beside'), qemus()], [[`clone ${count}`], [`clone ${count}`]]);
        for (const number of numbers) {
          assert.match(await tc(`eth${number}`), new RegExp(`Egress Redirect to device tap${number}_kata`));
          assert.match(await tc(`tap${number}_kata`), new RegExp(`Egress Redirect to device eth${number}`));
        }
      });

    it('and the hook gets the pid of another process, which stays in the network namespace while QEMU starts', async () => {
      await expectLinks(1);
      hook(
        `ns=\${in#*=}; [ $ns != /proc/$PPID/ns/net ]; [ $ns -ef /proc/self/ns/net ]\n${running()}[ $ns -ef /proc/self/ns/net ]\n${addLink(0)}`,
      );
      await created();
      assert.deepEqual(qemus(), ['clone 1']);
    });

    for (const links of [[], [0, 1]])
      it(`and is replaced if the hook adds ${links.length} links in place of one`, async () => {
        await expectLinks(1);
        hook(running() + links.map(addLink).join(''));
        await created();
        assert.deepEqual(qemus(), ['clone 1', `template ${links.length}`, `clone ${links.length}`]);
        const pid = readFileSync(rig.scratch.file('pid'), 'latin1');
        const { stdout } = await run('nsenter', [`--net=/proc/${pid}/ns/net`, 'ip', '-o', 'link', 'show', 'type', 'tun']);
        assert.equal(stdout.split('\n').filter(Boolean).length, links.length, stdout);
      });

    it('and is ended if the hook fails', async () => {
      await expectLinks(1);
      hook(`${running()}exit 3`);
      assert.match((await rig.create()).stderr, /hook .*: exit code 3/);
      assert.deepEqual([qemus(), leftovers(), (await rig.kata('list', '--quiet')).stdout], [['clone 1'], [], '']);
    });

    it('and is ended by delete if kata-runtime is killed', async () => {
      await expectLinks(1);
      hook(`${running()}kill -KILL $PPID`);
      const { code, stderr } = await rig.create();
      assert.deepEqual([code, stderr], [255, '']); // no error of its own
      assert.deepEqual([(await rig.kata('delete', '--force', rig.id)).code, leftovers()], [0, []]);
    });

    it('and if it fails, a VM is booted on the same network', async () => {
      await expectLinks(1, 'migrate-incoming');
      hook(running() + addLink(0));
      await created();
      assert.deepEqual(qemus(), ['clone 1', 'booted 1']);
      assert.match(await tc('eth0'), /Egress Redirect to device tap0_kata/);
    });
  });

  it('if the state cannot be loaded, a VM is booted on the same network', async () => {
    prepare('migrate-incoming');
    hook(addLink(0));
    await created();
    await rig.kata('delete', '--force', rig.id);
    writeFileSync(rig.scratch.file('qemus'), '');
    await created();
    assert.deepEqual(qemus(), ['clone 1', 'booted 1']);
    assert.match(await tc('eth0'), /Egress Redirect to device tap0_kata/);
  });
});
