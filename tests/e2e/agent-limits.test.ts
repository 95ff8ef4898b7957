/**
 * Effects of options of `docker run` inside the guest, compared with runc. One container has many options, because starting a VM is slow.
 */
import assert from 'node:assert/strict';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { kataRuntime } from '../support/staged.ts';

interface Check {
  readonly name: string;
  readonly options: readonly string[];
  /** Shell script whose output, without the last line feed, must be `expected`. */
  readonly script: string;
  readonly expected: RegExp;
}

const inStatus = (field: string): string => `grep ${field} /proc/self/status | cut -f2`;

/** Options of one container, with checks of their effects. */
const together: readonly Check[] = [
  {
    name: '--user and --group-add',
    options: ['-u', '1000:5', '--group-add', '7'],
    script: 'id -u; id -g; id -G',
    expected: /^1000\n5\n(5 )?7$/,
  },
  { name: '--ulimit', options: ['--ulimit', 'nofile=100:200'], script: 'ulimit -n; ulimit -Hn', expected: /^100\n200$/ },
  {
    name: "--sysctl of the network, which is the guest's",
    options: ['--sysctl', 'net.ipv4.ip_forward=1'],
    script: 'cat /proc/sys/net/ipv4/ip_forward',
    expected: /^1$/,
  },
  {
    name: "--sysctl of the container's namespaces",
    options: ['--sysctl', 'kernel.msgmax=9000'],
    script: 'cat /proc/sys/kernel/msgmax',
    expected: /^9000$/,
  },
  {
    name: '--cap-drop and --cap-add',
    options: ['--cap-drop', 'ALL', '--cap-add', 'KILL'],
    script: inStatus('CapBnd'),
    expected: /^0{14}20$/,
  },
  { name: 'no-new-privileges', options: ['--security-opt', 'no-new-privileges'], script: inStatus('NoNewPrivs'), expected: /^1$/ },
  { name: '--read-only', options: ['--read-only'], script: 'mount | grep " on / " | grep -c "[(,]ro[,)]"', expected: /^1$/ },
  {
    name: '--tmpfs',
    options: ['--tmpfs', '/scratch:size=1m'],
    script: 'df -m /scratch | tail -1 | awk "{print \\$1, \\$2}"',
    expected: /^tmpfs 1$/,
  },
  {
    name: '--tmpfs with a mode and an owner, --mount of one',
    options: ['--tmpfs', '/own:mode=750,uid=5,gid=6', '--tmpfs', '/any', '--mount', 'type=tmpfs,dst=/mount,tmpfs-mode=0710'],
    script: 'stat -c "%a %u %g" /own /any /mount',
    expected: /^750 5 6\n1777 0 0\n710 0 0$/,
  },
  { name: 'text that JSON escapes', options: ['-e', 'TEXT=a\\u0000b"'], script: 'env | grep TEXT=', expected: /^TEXT=a\\u0000b"$/ },
  { name: '--domainname', options: ['--domainname', 'example'], script: 'cat /proc/sys/kernel/domainname', expected: /^example$/ },
  { name: '--device', options: ['--device', '/dev/full:/dev/mine'], script: 'echo x 2>&1 > /dev/mine', expected: /No space left/ },
  {
    name: '--device for reading alone',
    options: ['--device', '/dev/zero:/dev/mine:r'],
    script: 'head -c 1 /dev/mine | wc -c; (echo x > /dev/mine) 2>/dev/null || echo refused',
    expected: /^1\nrefused$/,
  },
  {
    name: 'no IPv6 on a network without it',
    options: [],
    script: 'cat /proc/sys/net/ipv6/conf/*/disable_ipv6; ip -6 address show | wc -l',
    expected: /^1\n1\n1\n1\n0$/, // all, default, eth0, lo
  },
  { name: 'no -i', options: [], script: 'test -c /dev/stdin && cat && echo null', expected: /^null$/ },
  { name: '--cgroup-parent that leads out', options: ['--cgroup-parent', '../x'], script: 'echo runs', expected: /^runs$/ },
  { name: '--shm-size', options: ['--shm-size', '8m'], script: 'df -m /dev/shm | tail -1 | awk "{print \\$2}"', expected: /^8$/ },
  { name: '--oom-score-adj', options: ['--oom-score-adj', '300'], script: 'cat /proc/self/oom_score_adj', expected: /^300$/ },
  { name: '--workdir and --env', options: ['-w', '/tmp', '-e', 'A=1'], script: 'pwd; echo $A', expected: /^\/tmp\n1$/ },
  {
    name: 'names of mounted files in mountinfo',
    options: [],
    script: 'for f in hosts hostname resolv.conf; do basename $(grep " /etc/$f " /proc/self/mountinfo | cut -d " " -f 4); done',
    expected: /^hosts\nhostname\nresolv.conf$/,
  },
  { name: 'hidden paths', options: [], script: 'cat /proc/kcore 2>/dev/null | wc -c', expected: /^0$/ },
  { name: 'read-only paths', options: [], script: '(echo 1 > /proc/sys/kernel/msgmax) 2>/dev/null || echo refused', expected: /^refused$/ },
];

const SEPARATOR = '-- next --';

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`options of docker with ${runtime}`, function () {
    this.timeout(90_000);
    let engine: Engine;
    before(async () => (engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime)));
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), []);
    });

    describe('in one container', () => {
      let answers: string[] = [];
      before(async () => {
        const script = together.map(({ script: part }) => `{ ${part}; } 2>&1`).join(`\necho "${SEPARATOR}"\n`);
        const options = together.flatMap(({ options: args }) => args);
        const { stdout, stderr } = await engine.docker(['run', '--rm', ...options, 'busybox', 'sh', '-c', script]);
        answers = stdout.split(`${SEPARATOR}\n`);
        assert.equal(answers.length, together.length, stdout + stderr);
      });
      for (const [index, { name, expected }] of together.entries())
        it(name, () => assert.match((answers[index] ?? '').trimEnd(), expected));
    });

    it('--pids-limit limits the number of processes', async () => {
      const script = 'for i in $(seq 30); do sleep 9 & done; echo all';
      const { stdout, stderr } = await engine.docker(['run', '--rm', '--pids-limit', '10', 'busybox', 'sh', '-c', script]);
      assert.deepEqual([stdout, /can't fork/.test(stderr)], ['', true], stderr);
    });

    it('stop: a first process without a handler for SIGTERM exits by itself, a process below --init by the signal', async () => {
      const start = (...args: string[]) => engine.docker(['run', '-d', '--name', ...args]);
      await start('slow', 'busybox', 'sh', '-c', 'sleep 3; exit 23');
      await start('init', '--init', 'busybox', 'sleep', '1000');
      await engine.docker(['stop', '-t', '30', 'slow', 'init']);
      const { stdout } = await engine.docker(['wait', 'slow', 'init']);
      await engine.docker(['rm', 'slow', 'init']);
      assert.equal(stdout, '23\n143\n');
    });

    it('devices: those of the default rules, of --device and of --device-cgroup-rule can be opened, no other', async () => {
      const script = `
        for number in 'c 1 3' 'c 1 5' 'c 10 200' 'c 10 229' 'c 1 1' 'c 1 11' 'c 10 144' 'b 7 0' 'b 7 1' 'b 8 0' 'b 259 0'; do
          mknod node $number
          for mode in r w; do
            case $mode in r) (: <node) ;; w) (: 2>/dev/null >>node) ;; esac 2>/dev/null && echo $number $mode
          done
          rm node
        done`;
      const options = ['--device', '/dev/fuse:/dev/fuse:rw', '--device-cgroup-rule', 'b 7:0 r', '--cap-add', 'SYS_RAWIO'];
      const { stdout, stderr } = await engine.docker(['run', '--rm', ...options, 'busybox', 'sh', '-c', script]);
      const both = (...numbers: string[]): string[] => numbers.flatMap((number) => [`${number} r`, `${number} w`]);
      assert.deepEqual(stdout.split('\n'), [...both('c 1 3', 'c 1 5', 'c 10 200', 'c 10 229'), 'b 7 0 r', ''], stderr);
    });

    it('exec without -i: stdin is /dev/null', async () => {
      await engine.docker(['run', '-d', '--name', 'idle', 'busybox', 'sleep', '1000']);
      const { code, stderr } = await engine.docker(['exec', 'idle', 'test', '-c', '/dev/stdin']);
      await engine.docker(['rm', '-f', 'idle']);
      assert.equal(code, 0, stderr);
    });

    it('--memory and --init: a process that exceeds the limit exits with 137, and the first process reaps it', async () => {
      const script = 'ps -o pid,comm | grep " 1 "; exec dd if=/dev/zero of=/dev/null bs=200M count=1';
      const args = ['run', '--rm', '--init', '-m', '32m', '--memory-swap', '32m', 'busybox', 'sh', '-c', script];
      const { code, stdout, stderr } = await engine.docker(args);
      assert.match(stdout, /^ +1 (docker-init|tini)/m, stderr);
      assert.equal(code, 137, stderr);
    });
  });
}
