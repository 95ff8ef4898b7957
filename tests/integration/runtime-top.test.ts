/** `kata-top`, `kata-metrics` and `kata-logs` on a sandbox of fakes. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { SandboxRates } from '../../packages/runtime/src/cli/output/top-table.ts';
import { until } from '../support/until.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

describe('usage, metrics and logs of sandboxes', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  it('shows what each sandbox uses, once, as a table and as JSON', async () => {
    rig.prepare();
    rig.changeSpec((spec) => (spec.annotations = { 'nerdctl/name': 'web' }));
    assert.equal((await rig.kata('kata-top', '--once', '--interval', '10ms')).stdout.split('\n').length, 2);
    assert.equal((await rig.create()).stderr, '');
    const { code, stdout, stderr } = await rig.kata('kata-top', '--once', '--interval', '100ms');
    assert.deepEqual([code, stderr], [0, '']);
    const [header = '', row = '', ...rest] = stdout.split('\n');
    assert.match(header, /^ID +AGE CTRS VCPU +CPU% GUEST% +MEM GUEST DISK\/s NET\/s OOM NAME$/);
    assert.ok(row.startsWith(rig.id.slice(0, 12)) && row.endsWith(' 0 web') && row.length <= 80, row);
    assert.deepEqual(rest, ['']);
    const json = await rig.kata('kata-top', '--once', '--json', '--interval', '100ms');
    const [rates] = JSON.parse(json.stdout) as SandboxRates[];
    assert.deepEqual(
      [rates?.id, rates?.name, rates?.containers, rates?.isRunning, rates?.guest?.memoryBytes],
      [rig.id, 'web', 1, true, 4096],
    );
    assert.ok((rates?.hostMemoryBytes ?? 0) > 0);
  });

  it('shows a table without rates on a terminal before the first interval ends', async () => {
    rig.prepare();
    assert.equal((await rig.create()).stderr, '');
    const command = `${RUNTIME} --kata-config ${rig.scratch.file('c.toml')} kata-top --interval 1h`;
    const terminal = spawn('script', ['-qefc', `stty cols 80; exec ${command}`, '/dev/null'], { stdio: 'pipe' });
    let output = '';
    terminal.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const tables = (): string[] => output.split('\x1b[H\x1b[J').slice(1);
    await until('two tables', () => tables().length === 2 && output.includes(`${rig.id.slice(0, 12)} `, output.lastIndexOf('NAME')));
    terminal.kill();
    await once(terminal, 'close');
    const ratesIn = (table: string): unknown =>
      /\n\S+ +\S+ +\S+ +\S+ +(\S+) +\S+ +\S+ +\S+ +(\S+) /
        .exec(table)
        ?.slice(1)
        .map((rate) => rate === '-');
    assert.deepEqual(tables().map(ratesIn), [[true, true], [false, false]]); // prettier-ignore
  });

  it('prints one table after the other into a file, without control sequences', async () => {
    rig.prepare();
    const { child, output } = rig.start(['kata-top', '--interval', '10ms']);
    await until('three tables', () => output().stdout.split('\n').length > 3);
    child.kill('SIGTERM');
    await once(child, 'exit');
    assert.match(output().stdout, /^(ID +AGE [^\n\x1b]+\n){3,}/);
  });

  it('kata-metrics prints and serves the same series', async () => {
    rig.prepare();
    assert.equal((await rig.create()).stderr, '');
    const series = `kata_sandbox_guest_memory_bytes{sandbox_id="${rig.id}"} 4096`;
    assert.ok((await rig.kata('kata-metrics')).stdout.split('\n').includes(series));
    const socketPath = rig.scratch.file('metrics.sock');
    const { child } = rig.start(['kata-metrics', '--listen', `unix://${socketPath}`]);
    try {
      await until('the socket', () => existsSync(socketPath));
      const get = async (path: string): Promise<[status: number | undefined, text: string]> => {
        const [response] = (await once(request({ socketPath, path, agent: false }).end(), 'response')) as [IncomingMessage];
        return [response.statusCode, await text(response)];
      };
      const [[status, body], [elsewhere]] = [await get('/metrics'), await get('/')];
      assert.deepEqual([status, elsewhere], [200, 404]);
      assert.ok(body.split('\n').includes(series), body);
    } finally {
      child.kill('SIGTERM');
    }
    assert.deepEqual(await once(child, 'exit'), [0, null]);
    assert.equal(existsSync(socketPath), false);
    writeFileSync(socketPath, '');
    const form = '--listen must be unix:///PATH or 127.0.0.1:PORT, not';
    for (const [address, reason] of [
      ['0.0.0.0:9100', `${form} "0.0.0.0:9100"`],
      ['127.0.0.1:65536', `${form} "127.0.0.1:65536"`],
      [`unix://${socketPath}`, `metrics cannot be served on unix://${socketPath}: another program or file has this address`],
    ] as const) {
      const refused = await rig.kata('kata-metrics', '--listen', address);
      assert.deepEqual([refused.code, refused.stderr], [1, `${reason}\n`]);
    }
  });

  it('kata-logs merges the logs of a sandbox, and reports what is missing', async () => {
    rig.prepare();
    assert.equal((await rig.create()).stderr, '');
    const journal = 'the lines of kata-runtime and kata-shim are missing: journalctl failed\n';
    const empty = `sandbox ${rig.id} has no log lines: processes whose enable_debug is true log more\n`;
    writeFileSync(`/run/vc/vm/${rig.id}/qemu.log`, '');
    const none = await rig.kata('kata-logs', rig.id);
    assert.deepEqual([none.code, none.stdout, none.stderr.replace(journal, '')], [0, '', empty]);
    appendFileSync(`/run/vc/vm/${rig.id}/proxy.log`, 'time="2100-01-01T00:00:00Z" level=error msg=last\n');
    appendFileSync(`/run/vc/vm/${rig.id}/qemu.log`, 'a warning\n');
    const { code, stdout, stderr } = await rig.kata('kata-logs', rig.id);
    assert.deepEqual([code, stderr.replace(journal, '')], [0, '']);
    assert.match(stdout, /^\d{4}-\S+Z qemu {2}a warning$/m);
    assert.ok(stdout.endsWith('2100-01-01T00:00:00.000Z proxy level=error msg=last\n'), stdout);
  });

  it('refuses an invalid interval', async () => {
    rig.prepare();
    const { code, stderr } = await rig.kata('kata-top', '--interval', 'soon');
    assert.deepEqual([code, stderr], [1, '--interval must be a time such as 2s, not "soon"\n']);
  });
});
