/** Limits, privileges and mounts of a container's processes, by the agent on the host. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { AgentOnHost, refusal } from './agent-on-host.ts';
import type { ContainerSpec } from './agent-on-host.ts';

const status = (field: string): string[] => ['grep', field, '/proc/self/status'];
const proc = { destination: '/proc', source: 'proc', type: 'proc', options: [] };
const dev = { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['mode=755'] };
const TRUE = { Args: ['true'], Cwd: '/', Env: ['PATH=/bin'], User: {} };
const caps = (...names: string[]) => ({ Bounding: names, Effective: names, Permitted: names, Inheritable: [], Ambient: [] });

describe('kata-agent: processes', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  before(async () => (host = await AgentOnHost.start()));
  after(() => host.stop());

  const cases: [name: string, args: string[], spec: ContainerSpec, stdout: RegExp][] = [
    ['user and groups', ['id'], { Process: { User: { UID: 1000, GID: 7, AdditionalGids: [8, 9] } } }, /^uid=1000 gid=7 groups=(7,)?8,9\n$/],
    [
      'resource limits',
      ['sh', '-c', 'ulimit -n; ulimit -Hn'],
      { Process: { Rlimits: [{ Type: 'RLIMIT_NOFILE', Soft: 100n, Hard: 200n }] } },
      /^100\n200\n$/,
    ],
    ['capabilities', status('CapBnd'), { Process: { Capabilities: caps('CAP_KILL') } }, /^CapBnd:\s0000000000000020\n$/],
    ['no capabilities', status('CapEff'), { Process: { Capabilities: caps() } }, /^CapEff:\s0000000000000000\n$/],
    ['no new privileges', status('NoNewPrivs'), { Process: { NoNewPrivileges: true } }, /^NoNewPrivs:\s1\n$/],
    ['OOM score', ['cat', '/proc/self/oom_score_adj'], { Process: { OOMScoreAdj: 321n } }, /^321\n$/],
    ['working directory', ['sh', '-c', 'pwd'], { Process: { Cwd: '/tmp' } }, /^\/tmp\n$/],
    [
      'a read-only root',
      ['sh', '-c', 'touch /x 2>&1 || echo refused'],
      { Root: { Path: 'ROOT', Readonly: true } },
      /Read-only.*\nrefused\n$/,
    ],
    [
      'hidden paths',
      ['sh', '-c', 'cat /proc/kcore | head -c 1; ls /proc/scsi'],
      { Linux: { MaskedPaths: ['/proc/kcore'] } },
      /^(?!.*[^\s]{20})/,
    ],
    [
      'read-only paths',
      ['sh', '-c', 'echo 1 > /proc/sys/kernel/msgmax || echo refused'],
      { Linux: { ReadonlyPaths: ['/proc/sys'] } },
      /^refused\n$/,
    ],
    ['sysctls of its namespaces', ['cat', '/proc/sys/kernel/msgmax'], { Linux: { Sysctl: { 'kernel.msgmax': '9000' } } }, /^9000\n$/],
    [
      "sysctls of the guest's network",
      ['cat', '/proc/sys/net/ipv4/ip_forward'],
      { Linux: { Sysctl: { 'net.ipv4.ip_forward': '1' } } },
      /^1\n$/,
    ],
    [
      'a device',
      ['sh', '-c', 'stat -c "%a %t:%T %u" /dev/extra; head -c 2 /dev/extra | dd bs=1 2>&1 | tail -c 9'],
      { Mounts: [proc, dev], Linux: { Devices: [{ Path: '/dev/extra', Type: 'c', Major: 1n, Minor: 5n, FileMode: 0o640, UID: 3 }] } },
      /^640 1:5 3\n/,
    ],
    [
      'the number of processes',
      ['sh', '-c', 'sleep 1 & sleep 1 & sleep 1 & sleep 1; echo'],
      { Linux: { Resources: { Pids: { Limit: 2n } } } },
      /^/,
    ],
  ];
  for (const [name, args, given, pattern] of cases) {
    it(name, async () => {
      const spec = given.Root ? { ...given, Root: { ...given.Root, Path: host.rootfs } } : given;
      const { stdout, stderr } = await host.outcome(args, spec);
      assert.match(stdout, pattern, stderr);
    });
  }

  it('the kernel enforces the limit of processes', async () => {
    const { stderr } = await host.outcome(['sh', '-c', 'sleep 1 & sleep 1 & sleep 1 & sleep 1'], {
      Linux: { Resources: { Pids: { Limit: 2n } } },
    });
    assert.match(stderr, /fork/);
  });

  it('a seccomp profile is applied', async () => {
    const Seccomp = {
      DefaultAction: 'SCMP_ACT_ALLOW',
      Architectures: ['SCMP_ARCH_X86_64'],
      Syscalls: [
        { Names: ['mkdir', 'mkdirat', 'no_such_call'], Action: 'SCMP_ACT_ERRNO' },
        { Names: ['personality'], Action: 'SCMP_ACT_ERRNO', Args: [{ Index: 0n, Value: 8n, Op: 'SCMP_CMP_EQ' }] },
      ],
    };
    const script = ['sh', '-c', 'mkdir /tmp/x; grep Seccomp: /proc/self/status'];
    // The second container gets the program that crun has made for the first container; the third container has another profile.
    for (const spec of [Seccomp, Seccomp, { ...Seccomp, Syscalls: [{ Names: ['chmod'], Action: 'SCMP_ACT_ERRNO' }] }]) {
      const { stderr, stdout } = await host.outcome(script, { Linux: { Seccomp: spec } });
      assert.equal(/Operation not permitted/.test(stderr), spec === Seccomp, stderr);
      assert.match(stdout, /^Seccomp:\s2\n$/);
    }
    const id = await host.run(['sleep', '100'], { Linux: { Seccomp } });
    await host.exec(id, 'e', script);
    assert.match(await host.output(id, 'e', 'readStderr'), /Operation not permitted/);
    await host.wait(id, 'e');
    await host.remove(id);
  });

  it("an exec process has at most the container's privileges, and all of them by default", async () => {
    const Process = {
      Capabilities: caps('CAP_KILL'),
      NoNewPrivileges: true,
      OOMScoreAdj: 55n,
      Rlimits: [{ Type: 'RLIMIT_NOFILE', Soft: 100n, Hard: 200n }],
    };
    const id = await host.run(['sleep', '100'], { Process });
    const script = 'sleep 0.1; grep -E "CapBnd|NoNewPrivs" /proc/self/status; ulimit -n; cat /proc/self/oom_score_adj';
    await host.exec(id, 'e', ['sh', '-c', script]);
    assert.match(await host.output(id, 'e'), /^CapBnd:\s0000000000000020\nNoNewPrivs:\s1\n100\n55\n$/);
    await host.wait(id, 'e');
    await host.remove(id);
  });

  it('PauseContainer freezes no process that is being started', async () => {
    const id = await host.run(['sleep', '100']);
    for (let round = 0; round < 15; round++) {
      const names = [0, 1, 2, 3].map((index) => `e${round}-${index}`);
      const execs = names.map(async (name, index) => {
        await sleep(index * 2); // the pause meets different steps of the starts
        return refusal(host.agent.call('execProcess', { container_id: id, exec_id: name, process: TRUE }, { deadlineMs: 5000 }));
      });
      await sleep(round);
      await host.agent.call('pauseContainer', { container_id: id });
      const answers = await Promise.all(execs); // the container is still paused
      await host.agent.call('resumeContainer', { container_id: id });
      for (const [index, [code, message]] of answers.entries()) {
        if (code === 0) assert.equal(await host.wait(id, names[index] ?? ''), 0);
        else assert.match(message, /is paused$/);
      }
    }
    await host.remove(id);
  });

  it('later mounts in the guest propagate to a container that requests it', async () => {
    const source = host.scratch.file('state/slave');
    mkdirSync(`${source}/inner`, { recursive: true });
    host.inside('mount', '--bind', source, source);
    host.inside('mount', '--make-shared', source);
    const bind = { destination: '/mnt', source, type: 'bind', options: ['rbind', 'rslave'] };
    const id = await host.run(['sleep', '100'], { Mounts: [proc, dev, bind], Linux: { RootfsPropagation: 'rslave' } });
    host.inside('mount', '-t', 'tmpfs', 'tmpfs', `${source}/inner`);
    writeFileSync(host.scratch.file('state/outside'), '');
    host.inside('touch', `${source}/inner/file`);
    await host.exec(id, 'e', ['ls', '/mnt/inner']);
    assert.equal(await host.output(id, 'e'), 'file\n');
    await host.wait(id, 'e');
    await host.remove(id);
    host.inside('umount', '-R', source);
  });

  const wrong: [name: string, spec: ContainerSpec, text: RegExp][] = [
    ['an unknown limit', { Process: { Rlimits: [{ Type: 'RLIMIT_LUCK', Soft: 1n, Hard: 1n }] } }, /RLIMIT_LUCK/],
    [
      'a sysctl that does not exist',
      { Linux: { Sysctl: { 'net.no.such': '1' } } },
      /^sysctl net\.no\.such: the guest's kernel does not have it$/,
    ],
    ['a sysctl with a path outside of /proc/sys', { Linux: { Sysctl: { 'net/../../etc/passwd': '1' } } }, /^invalid sysctl/],
  ];
  for (const [name, spec, text] of wrong) {
    it(`${name} is refused, and nothing is left behind`, async () => {
      const before = host.descendants;
      const [code, message] = await refusal(host.create(['true'], spec, { container_id: 'refused' }));
      assert.match(message, text);
      assert.notEqual(code, 0);
      assert.equal((await refusal(host.remove('refused')))[0], 5);
      assert.equal(host.descendants, before);
    });
  }
});
