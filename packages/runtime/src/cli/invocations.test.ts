import assert from 'node:assert/strict';
import { Command } from 'commander';
import { globalCommand } from './global-options.ts';
import { parseOptions } from './parse-options.ts';
import { verbTable } from './verb-table.ts';

/** Command lines with which engines call a runtime (go-runc, conmon, CRI-O, podman). */
const invocations: Readonly<Record<string, readonly string[]>> = {
  'docker and containerd': [
    '--root /r --log /b/log.json --log-format json --systemd-cgroup create --bundle /b --pid-file /b/init.pid --console-socket /s --no-pivot --no-new-keyring --detach --preserve-fds 2 --pidfd-socket /p ID',
    '--root /r --log /b/log.json --log-format json --rootless=true start ID',
    '--root /r --log /b/log.json --log-format json --debug exec --process /f --console-socket /s --detach --pid-file /b/x.pid --preserve-fds 1 --pidfd-socket /p ID',
    '--root /r --log /b/log.json --log-format json kill --all ID 9',
    '--root /r --log /b/log.json --log-format json kill ID 15',
    '--root /r --log /b/log.json --log-format json delete --force ID',
    '--root /r pause ID',
    '--root /r resume ID',
    '--root /r state ID',
    '--root /r list --format=json',
    '--root /r ps --format json ID',
    '--root /r ps --format table ID -o pid,comm',
    '--root /r update --resources=- ID',
    '--root /r events --stats ID',
    '--root /r events --interval=5s ID',
    'features',
  ],
  'CRI-O and podman through conmon': [
    '--systemd-cgroup --root=/r create --bundle /b --pid-file /p --no-pivot --no-new-keyring --console-socket /c ID',
    '--systemd-cgroup exec --pid-file /p --process /f --detach --console-socket /c ID',
  ],
  'CRI-O': [
    '--root /r --systemd-cgroup start ID',
    '--root /r kill ID KILL',
    '--root /r kill -a ID 15',
    '--root /r delete --force ID',
    '--root /r update --resources - ID',
    '--root /r exec --process /f ID',
  ],
  podman: [
    '--log-format=json --log /l start ID',
    '--log-format=json --log /l kill --all ID 9',
    '--log-format=json --log /l update --resources=/f ID',
    '--log-format=json --log /l delete --force ID',
  ],
  'people, with runc in mind': [
    'exec --additional-gids 5 -g 6 --cap CAP_KILL --apparmor p --no-new-privs --cgroup x --ignore-paused -t -u 0:0 -e A=b ID ps -ef',
    'update --memory 64m --memory-swap -1 --cpu-burst 1 --cpu-idle 0 --mem-bw-schema MB --l3-cache-schema L3 --pids-limit 5 ID',
    'run --bundle /b --keep --no-subreaper -d ID',
  ],
  'people, with Kata 1.x in mind': [
    '-kata-config /c -log /l -log-format text create -bundle /b -console /dev/pts/1 -pid-file /p ID',
    'run --detach=false ID',
    'start ID ID2',
    'list -q --kata-all',
    'kata-check --check-version-only --include-all-releases --no-network-checks --only-list-releases --strict --verbose',
    'kata-check -n -s -v',
    'kata-env --json',
    'kata-network update-routes ID -',
    'kata-oom --containerd /s --namespace n ID',
    'kata-oom --file /a --file /b ID',
    'kata-overhead ID',
    'update ID --memory 1g',
  ],
};

/** Arguments and options of the verb. */
async function read(line: string): Promise<{ name: string; args: readonly string[]; options: object }> {
  const globals = parseOptions(globalCommand(), line.split(' '), true);
  const [name = '', ...rest] = globals?.args ?? [];
  const entry = verbTable[name] ?? assert.fail(`no verb ${name}`);
  const command = new Command(name);
  (await entry.load()).describe(command);
  const parsed = parseOptions(command, rest, entry.stopAtArgument === true) ?? assert.fail('help');
  return { name, ...parsed };
}

for (const [engine, lines] of Object.entries(invocations)) {
  describe(`understands ${engine}`, () => {
    for (const line of lines) {
      it(line, async () => {
        const { args } = await read(line);
        const ids = args.filter((arg) => arg.startsWith('ID'));
        assert.deepEqual(
          ids,
          line.split(' ').filter((arg) => arg.startsWith('ID')),
        );
      });
    }
  });
}

describe('options and arguments', () => {
  it("exec does not parse the program's options", async () => {
    const { args, options } = await read('exec -t ID sh -c x -t --env');
    assert.deepEqual([args, options], [['ID', 'sh', '-c', 'x', '-t', '--env'], { tty: true, newPrivs: true, subreaper: true }]);
  });
  it('kill accepts a signal', async () => assert.deepEqual((await read('kill ID SIGHUP')).args, ['ID', 'SIGHUP']));
});
