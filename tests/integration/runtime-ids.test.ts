/** How commands find containers, and their errors for a sandbox whose proxy has ended. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { isAlive } from '../../packages/common/src/process/process-identity.ts';
import type { SandboxState } from '../../packages/runtime/src/state/state.ts';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { until } from '../support/until.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

const SILENT = { code: 0, stdout: '', stderr: '' };
const quiet = ({ code, stdout, stderr }: Outcome): object => ({ code, stdout, stderr });
const refused = (text: string): object => ({ code: 1, stdout: '', stderr: `${text}\n` });

describe('ids of containers', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** Output of a command whose standard input is a terminal. */
  async function onTerminal(...args: string[]): Promise<Outcome> {
    const command = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), ...args].join(' ');
    return run('script', ['--quiet', '--return', '--command', command, '/dev/null']);
  }
  const idOf = ({ stdout }: Outcome): string => (JSON.parse(stdout) as { id: string }).id;
  const list = async (): Promise<string[]> => (await rig.kata('list', '--quiet')).stdout.split('\n').filter(Boolean);

  describe('that engines have generated', () => {
    const long = `${'0123456789ab'.repeat(5)}0123`;
    const short = long.slice(0, 12);
    beforeEach(async () => {
      rig.prepare();
      assert.deepEqual(quiet(await rig.kata('create', '--bundle', rig.scratch.file('bundle'), long)), SILENT);
    });
    afterEach(async () => assert.deepEqual(quiet(await rig.kata('delete', '--force', long)), SILENT));

    it('are selected by 12 digits', async () => {
      assert.equal(idOf(await rig.kata('state', short)), long);
      assert.deepEqual(quiet(await rig.kata('state', long.slice(0, 11))), refused(`Container ID (${long.slice(0, 11)}) does not exist`));
      assert.deepEqual(quiet(await rig.kata('delete', '--force', short)), SILENT);
      assert.deepEqual(await list(), []);
    });

    it('are selected by 4 digits from a terminal', async () => {
      assert.equal(idOf(await onTerminal('state', long.slice(0, 4))), long);
      const { code, stdout } = await onTerminal('state', long.slice(0, 3));
      assert.deepEqual([code, stdout.trim()], [1, `Container ID (${long.slice(0, 3)}) does not exist`]);
    });

    it('are not abbreviated by an engine', async () => {
      for (const options of [
        ['--root', '/r'],
        ['--log', rig.scratch.file('log')],
      ]) {
        assert.deepEqual(quiet(await rig.kata(...options, 'kill', short, '9')), refused(`Container ID (${short}) does not exist`));
        assert.deepEqual(quiet(await rig.kata(...options, 'delete', '--force', short)), SILENT);
      }
      assert.deepEqual(await list(), [long]);
    });

    it('are not deleted in place of another container that does not exist any more', async () => {
      for (const gone of [`${short}f`, `${long.slice(0, 63)}f`, `${long}0`, '0'])
        assert.deepEqual(quiet(await rig.kata('delete', '--force', gone)), SILENT);
      assert.equal((await onTerminal('delete', '--force', '0')).code, 0);
      assert.deepEqual(await list(), [long]);
    });
  });

  it('commands for people accept any unique beginning, and the name that the engine knows', async () => {
    const other = new RuntimeRig();
    rig.prepare();
    rig.changeSpec((spec) => (spec.annotations = { 'nerdctl/name': 'web' }));
    other.prepare();
    try {
      assert.deepEqual(quiet(await rig.create()), SILENT);
      const begin = rig.id.slice(0, -1);
      for (const argument of [rig.id, begin, 'it', 'web']) {
        const { code, stdout } = await rig.kata('kata-logs', argument);
        assert.deepEqual([argument, code, stdout.includes('qmp_capabilities')], [argument, 0, true]);
      }
      assert.deepEqual(quiet(await other.create()), SILENT);
      const both = `${begin} is the beginning of several container IDs: ${[rig.id, other.id].sort().join(', ')}`;
      assert.deepEqual(quiet(await rig.kata('kata-logs', begin)), refused(both));
      assert.deepEqual(quiet(await rig.kata('kata-logs', 'we')), refused('Container ID (we) does not exist'));
      assert.deepEqual(quiet(await rig.kata('delete', '--force', 'it')), SILENT);
      assert.deepEqual(await list(), [rig.id, other.id].sort());
    } finally {
      await other.kata('delete', '--force', other.id);
    }
  });

  it('commands fail for users without permission, instead of printing an empty list', async () => {
    rig.prepare();
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const asNobody = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await run('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', RUNTIME, ...args]);
      assert.deepEqual([code, stdout], [1, '']);
      return stderr;
    };
    const unreadable = '/run/kata-containers/containers-mapping cannot be read (EACCES): run the command as root\n';
    assert.equal(await asNobody('list'), unreadable);
    assert.equal(await asNobody('kata-top', '--once'), unreadable);
    assert.equal(await asNobody('factory', 'status'), 'factory status uses files of root: run the command as root\n');
  });

  it('a container whose bundle has been removed is listed without an owner, and can be deleted', async () => {
    rig.prepare();
    assert.deepEqual(quiet(await rig.create()), SILENT);
    rmSync(rig.scratch.file('bundle'), { recursive: true });
    assert.match((await rig.kata('list')).stdout, new RegExp(`^${rig.id} +\\d+ +created .* - *$`, 'm'));
    assert.deepEqual(quiet(await rig.kata('delete', '--force', rig.id)), SILENT);
    assert.deepEqual(await list(), []);
  });

  it('a command reports at once that the proxy has ended', async () => {
    rig.prepare();
    assert.deepEqual(quiet(await rig.create()), SILENT);
    const { id } = rig;
    const { AgentState, HypervisorState } = JSON.parse(readFileSync(`/run/vc/sbs/${id}/persist.json`, 'utf8')) as SandboxState;
    process.kill(AgentState.Proxy.pid, 'SIGKILL');
    await until('the proxy ends', () => !isAlive(AgentState.Proxy));
    const processes = `QEMU (pid ${HypervisorState.Process.pid}) is running, kata-proxy (pid ${AgentState.Proxy.pid}) has ended`;
    const next = `logs are in /run/vc/vm/${id}; 'kata-runtime delete --force ${id}' ends the sandbox`;
    for (const args of [
      ['start', id],
      ['exec', id, 'true'],
    ])
      assert.deepEqual(quiet(await rig.kata(...args)), refused(`Proxy is not running: ${processes}; ${next}`));
  });
});
