/**
 * A Prometheus that scrapes `kata-metrics --listen`, and the queries of the dashboard on it. By hand: KATA_PROMETHEUS names a directory with
 * prometheus and promtool (the Debian package `prometheus`, unpacked).
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { run } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

const programs = process.env['KATA_PROMETHEUS'] ?? '';
const dashboard = join(import.meta.dirname, '../../packaging/grafana/kata-containers.json');
const METRICS = '127.0.0.1:8090';
const API = '127.0.0.1:9090';

interface Result {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}
interface Panels {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}

const configuration = `
global: { scrape_interval: 1s }
scrape_configs:
  - job_name: kata
    static_configs: [{ targets: ['${METRICS}'] }]
`;

describe('Prometheus', function () {
  this.timeout(180_000);
  let directory = '';
  let engine: Engine;
  const ids: string[] = [];
  const children: ChildProcess[] = [];
  const start = (program: string, ...args: string[]): void =>
    void children.push(spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] }));

  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-prometheus-'));
    engine = await Engine.start({ kata: kataRuntime }, 'kata');
    for (const name of ['idle', 'busy']) {
      const command = name === 'busy' ? 'while :; do dd if=/dev/zero of=/f bs=64k count=16; done' : 'sleep 10000';
      const { code, stdout, stderr } = await engine.docker(['run', '-d', '--name', name, 'busybox', 'sh', '-c', command]);
      assert.equal(code, 0, stderr);
      ids.push(stdout.trim());
    }
    start(kataRuntime, 'kata-metrics', '--listen', METRICS);
    const file = join(directory, 'prometheus.yml');
    writeFileSync(file, configuration);
    const options = [`--config.file=${file}`, `--storage.tsdb.path=${directory}/data`, `--web.listen-address=${API}`, '--log.level=error'];
    start(join(programs, 'prometheus'), ...options);
  });
  after(async () => {
    for (const child of children) {
      child.kill();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    await engine.docker(['rm', '-f', 'idle', 'busy']);
    await engine.stop();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });

  async function query(expression: string): Promise<Result[]> {
    const response = await fetch(`http://${API}/api/v1/query?query=${encodeURIComponent(expression)}`).catch(() => undefined);
    if (!response?.ok) return []; // Prometheus is starting
    const answer = (await response.json()) as { status: string; error?: string; data: { result: Result[] } };
    assert.equal(answer.status, 'success', `${expression}: ${answer.error}`);
    return answer.data.result;
  }

  it('scrapes the metrics, and promtool accepts all names except those of Kata Containers 2.x', async () => {
    await until('a successful scrape', async () => (await query('up == 1')).length === 1, 60_000);
    const text = await run('curl', ['-s', `http://${METRICS}/metrics`]);
    writeFileSync(join(directory, 'metrics'), text.stdout);
    const check = await run('sh', ['-c', `${programs}/promtool check metrics <${directory}/metrics`]);
    // The name is that of Kata Containers 2.x.
    assert.equal(
      check.stdout + check.stderr,
      'kata_monitor_running_shim_count non-histogram and non-summary metrics should not have "_count" suffix\n',
    );
  });

  it('labels the series of each sandbox with its id', async () => {
    await until('a scrape with both sandboxes', async () => (await query('kata_sandbox_guest_up == 1')).length === ids.length);
    const up = await query('kata_sandbox_guest_up == 1');
    assert.deepEqual(up.map(({ metric }) => metric['sandbox_id']).sort(), ids.toSorted());
  });

  it('answers each query of the dashboard', async () => {
    const { panels } = JSON.parse(readFileSync(dashboard, 'utf8')) as Panels;
    // rate() needs two samples.
    await until('a second sample', async () => (await query('rate(kata_sandbox_cpu_seconds_total[5m])')).length === ids.length, 60_000);
    for (const { title, targets } of panels) {
      for (const { expr } of targets) {
        const results = await query(expr);
        console.log(`${title}: ${expr}: ${results.map(({ value }) => value[1]).join(', ')}`);
        assert.ok(results.length > 0, `${title}: ${expr} has no result`);
        for (const { value } of results) assert.ok(Number.isFinite(Number(value[1])), `${title}: ${expr} is ${value[1]}`);
      }
    }
  });
});
