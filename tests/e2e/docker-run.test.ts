/** Results that users of docker see, with kata-runtime and, where possible, with runc. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { until } from '../support/until.ts';
import { good } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { isOtherQemu, kataRuntime } from '../support/staged.ts';

const runtimes = { 'kata-runtime': kataRuntime };
const sha256 = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`docker with ${runtime}`, function () {
    this.timeout(180_000);
    let engine: Engine;
    onCleanMachine(async () => (engine = await Engine.start(runtimes, runtime)));
    const busybox = (...args: string[]): Promise<Outcome> => engine.docker(['run', '--rm', 'busybox', ...args]);

    it("runs on the guest's kernel", async () => {
      const { stdout, stderr, code } = await busybox('uname', '-r');
      assert.deepEqual([code, stderr], [0, '']);
      if (runtime === 'kata-runtime') assert.match(stdout, /^6\.1\.\d+-1\.container\n$/);
      else assert.equal(stdout.trim(), release());
    });

    const exitCodes: [name: string, args: string[], code: number, stderr: RegExp][] = [
      ['success', ['true'], 0, /^$/],
      ['its own code', ['sh', '-c', 'exit 7'], 7, /^$/],
      ['a signal', ['sh', '-c', 'sh -c "kill -9 \\$\\$"; exit $?'], 137, /^/],
      ['a command that does not exist', ['nope'], 127, /executable file not found in \$PATH/],
      ['a file that may not be run', ['/etc/passwd'], 126, /permission denied/],
    ];
    for (const [name, args, expected, complaint] of exitCodes) {
      it(`exit code of ${name} is ${expected}`, async () => {
        const { code, stderr } = await busybox(...args);
        assert.equal(code, expected, stderr);
        assert.match(stderr, complaint);
      });
    }

    it('stdout and stderr are separate', async () => {
      const { stdout, stderr } = await busybox('sh', '-c', 'echo out; echo err >&2');
      assert.deepEqual([stdout, stderr], ['out\n', 'err\n']);
    });

    it('10 MB of input and output arrive unchanged', async () => {
      const data = randomBytes(10 << 20);
      const { output, code } = await engine.docker(['run', '--rm', '-i', 'busybox', 'cat'], { input: data });
      assert.deepEqual([code, output.length, sha256(output)], [0, data.length, sha256(data)]);
    });

    it('volumes can be writable or read-only', async () => {
      const [rw, ro] = ['rw', 'ro'].map((name) => join(engine.directory, name)) as [string, string];
      for (const directory of [rw, ro]) mkdirSync(directory, { recursive: true });
      writeFileSync(join(ro, 'file'), 'given');
      const script = 'cat /ro/file > /rw/copy; touch /ro/x 2>/dev/null && echo writable; cat /etc/hostname';
      const { stdout, code } = await engine.docker([
        'run',
        '--rm',
        '-h',
        'named',
        '-v',
        `${rw}:/rw`,
        '-v',
        `${ro}:/ro:ro`,
        'busybox',
        'sh',
        '-c',
        script,
      ]);
      assert.deepEqual([code, stdout], [0, 'named\n']);
      assert.equal(readFileSync(join(rw, 'copy'), 'utf8'), 'given');
    });

    it('volumes at /dev/shm and below /dev are directories of the host', async () => {
      const [shm, net] = ['shm', 'net'].map((name) => join(engine.directory, 'devices', name)) as [string, string];
      for (const directory of [shm, net]) mkdirSync(directory, { recursive: true });
      writeFileSync(join(net, 'file'), 'given');
      const script = 'cp /dev/net/file /dev/shm/copy';
      const args = ['-v', `${shm}:/dev/shm`, '-v', `${net}:/dev/net`, 'busybox', 'sh', '-c', script];
      const { code, stderr } = await engine.docker(['run', '--rm', ...args]);
      assert.deepEqual([code, stderr], [0, '']);
      assert.equal(readFileSync(join(shm, 'copy'), 'utf8'), 'given');
    });

    it('special files can be created on root and volume, and a deleted open file can be changed', async function () {
      if (isOtherQemu) this.skip(); // with a newer QEMU the first half works
      const volume = join(engine.directory, 'special');
      mkdirSync(volume);
      const script = [
        'set -e; mkfifo pipe; mknod null c 1 3; chown 3:4 pipe; chmod 640 pipe; stat -c "%F %a %u:%g" pipe null',
        '(echo through >pipe &) ; cat pipe',
        'exec 3<>gone; rm gone; open=/proc/self/fd/3; chmod 600 $open; chown 1:2 $open; touch -m -d @5 $open',
        'stat -L -c "%a %u:%g %Y" $open',
      ].join('; ');
      for (const directory of ['/', '/vol']) {
        const { code, stdout, stderr } = await engine.docker([
          'run',
          '--rm',
          '-v',
          `${volume}:/vol`,
          '-w',
          directory,
          'busybox',
          'sh',
          '-c',
          script,
        ]);
        assert.deepEqual([code, stderr], [0, '']);
        assert.equal(stdout, 'fifo 640 3:4\ncharacter special file 644 0:0\nthrough\n600 1:2 5\n');
      }
    });

    it('/dev/shm is noexec; a process can have a million open files', async () => {
      const { stdout } = await busybox('sh', '-c', 'grep " /dev/shm " /proc/mounts; ulimit -n');
      assert.match(stdout, / \/dev\/shm tmpfs rw,nosuid,nodev,noexec,/);
      if (runtime === 'kata-runtime') assert.match(stdout, /^1048576$/m);
    });

    it('two containers and the host reach each other; a published port answers', async () => {
      const serve = 'echo pong > /tmp/index.html; exec httpd -f -p 80 -h /tmp';
      const started = await engine.docker(['run', '-d', '--name', 'web', '-p', '127.0.0.1:8080:80', 'busybox', 'sh', '-c', serve]);
      assert.equal(started.code, 0, started.stderr);
      const { stdout } = await engine.docker(['inspect', '-f', '{{.NetworkSettings.IPAddress}}', 'web']);
      const address = stdout.trim();
      assert.match(address, /^172\./);
      const ping = await busybox('ping', '-c', '2', address);
      assert.match(ping.stdout, /2 packets received/);
      const inside = await engine.docker(['exec', 'web', 'ip', 'addr', 'show', 'eth0']);
      assert.ok(inside.stdout.includes(`inet ${address}/16`), inside.stdout);
      const answer = await engine.inNetwork('/bin/busybox', ['wget', '-qO-', 'http://127.0.0.1:8080/index.html']);
      assert.equal(answer.stdout, 'pong\n');
      await engine.docker(['rm', '-f', 'web']);
    });

    describe('a running container', () => {
      before(async () => {
        const script = 'trap "echo hup" HUP; echo started; while true; do sleep 0.1; done';
        const { code, stderr } = await engine.docker(['run', '-d', '--name', 'box', 'busybox', 'sh', '-c', script]);
        assert.equal(code, 0, stderr);
      });
      after(() => engine.docker(['rm', '-f', 'box']));

      const execs: [name: string, args: string[], code: number, stdout: string][] = [
        ['exit code', ['box', 'sh', '-c', 'exit 9'], 9, ''],
        ['environment', ['-e', 'A=b c', 'box', 'sh', '-c', 'echo "$A"'], 0, 'b c\n'],
        ['working directory', ['-w', '/tmp', 'box', 'pwd'], 0, '/tmp\n'],
        ['user', ['-u', 'user', 'box', 'id', '-un'], 0, 'user\n'],
        ['a background child does not delay the exit', ['box', 'sh', '-c', 'sleep 30 & echo done'], 0, 'done\n'],
      ];
      for (const [name, args, code, stdout] of execs) {
        it(`docker exec: ${name}`, async () => {
          const outcome = await engine.docker(['exec', ...args]);
          assert.deepEqual([outcome.code, outcome.stdout], [code, stdout], outcome.stderr);
        });
      }
      it('docker exec of a command that does not exist', async () => {
        const { code, stdout, stderr } = await engine.docker(['exec', 'box', 'nope']);
        const version = Number.parseInt(await good(engine.docker(['version', '-f', '{{.Server.Version}}'])));
        assert.equal(code, version < 28 ? 126 : 127); // docker 20.10 and 26.1 report 126 for every exec that cannot be started, also with runc
        assert.match(stdout + stderr, /executable file not found in \$PATH/);
      });
      it('docker exec passes stdin', async () => {
        const { stdout } = await engine.docker(['exec', '-i', 'box', 'cat'], { input: 'data' });
        assert.equal(stdout, 'data');
      });
      it('docker kill -s HUP signals the process, and docker logs has its output', async () => {
        await engine.docker(['kill', '-s', 'HUP', 'box']);
        await until("the handler's output", async () => (await engine.docker(['logs', 'box'])).stdout === 'started\nhup\n');
      });
      it('docker cp copies in both directions', async () => {
        const file = join(engine.directory, 'copied');
        writeFileSync(file, 'over');
        assert.equal((await engine.docker(['cp', file, 'box:/tmp/in'])).code, 0);
        assert.equal((await engine.docker(['exec', 'box', 'cat', '/tmp/in'])).stdout, 'over');
        assert.equal((await engine.docker(['cp', 'box:/tmp/in', `${file}-back`])).code, 0);
        assert.equal(readFileSync(`${file}-back`, 'utf8'), 'over');
      });
      it('docker stop ends the container', async () => {
        assert.equal((await engine.docker(['stop', '-t', '2', 'box'])).code, 0);
        assert.match(
          (await engine.docker(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'box'])).stdout,
          /^exited (137|143)\n$/,
        );
      });
    });
  });
}
