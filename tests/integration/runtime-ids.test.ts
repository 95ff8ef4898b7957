/** How commands find containers, and their errors for a sandbox whose proxy has ended. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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

  it('12 digits select a container with an id of 64 digits; names must be complete', async () => {
    const long = `${'0123456789ab'.repeat(5)}0123`;
    rig.prepare();
    const bundle = rig.scratch.file('bundle');
    assert.deepEqual(quiet(await rig.kata('create', '--bundle', bundle, long)), SILENT);
    try {
      const stated = (await rig.kata('state', long.slice(0, 12))).stdout;
      assert.equal((JSON.parse(stated) as { id: string }).id, long);
      const short = long.slice(0, 11);
      assert.deepEqual(quiet(await rig.kata('state', short)), refused(`Container ID (${short}) does not exist`));
      assert.deepEqual(quiet(await rig.kata('delete', '--force', `${long.slice(0, 12)}f`)), SILENT);
      assert.equal((await rig.kata('list', '--quiet')).stdout, `${long}\n`);
    } finally {
      assert.deepEqual(quiet(await rig.kata('delete', '--force', long.slice(0, 12))), SILENT);
    }
    assert.equal((await rig.kata('list', '--quiet')).stdout, '');
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
