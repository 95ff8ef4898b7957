import assert from 'node:assert/strict';
import type { SandboxUsage } from '../../sandbox/sandbox-usage.ts';
import { metrics, metricsText, seriesNames } from './metrics-text.ts';

const running: SandboxUsage = {
  ...{ id: 'a', containers: 2, isRunning: true, startedMs: 1_700_000_000_000, vcpus: 1, accelerator: 'kvm', oomKills: 1 },
  ...{ hostCpuMs: 1500, hostMemoryBytes: 100, hostDiskBytes: 7, guest: { cpuMs: 500, memoryBytes: 40, networkBytes: 8 } },
};
const { guest: _, ...silent } = { ...running, id: 'b', isRunning: false };

describe('metricsText', () => {
  const usage = { timeMs: 0, sandboxes: [running, silent] };
  const text = metricsText(usage, 'openmetrics');
  const lines = text.split('\n');
  for (const line of [
    'kata_monitor_running_shim_count 1',
    '# TYPE kata_sandbox_cpu_seconds counter',
    'kata_sandbox_cpu_seconds_total{sandbox_id="a"} 1.5',
    'kata_sandbox_memory_bytes{sandbox_id="a"} 100',
    'kata_shim_pod_overhead_memory_in_bytes{sandbox_id="a"} 60',
    'kata_sandbox_guest_up{sandbox_id="b"} 0',
    'kata_sandbox_up{sandbox_id="b"} 0',
    'kata_sandbox_oom_kills_total{sandbox_id="a"} 1',
  ])
    it(`has ${line}`, () => assert.ok(lines.includes(line), text));

  it('omits the series of a guest that does not answer', () =>
    assert.ok(!text.includes('kata_sandbox_guest_cpu_seconds_total{sandbox_id="b"}')));
  it('ends with # EOF', () => assert.ok(text.endsWith('\n# EOF\n')));
  it('has only lines in the format of OpenMetrics', () => {
    const form = /^(# (TYPE \w+ (gauge|counter)|HELP \w+ .+|EOF)|\w+(\{sandbox_id="[\w.+-]+"\})? [\d.e+]+)$/;
    assert.deepEqual(lines.slice(0, -1).filter((line) => !form.test(line)), []); // prettier-ignore
  });
  it("names the series in the comments of Prometheus' own format, which has no end mark", () => {
    const own = metricsText(usage, 'prometheus');
    assert.match(own, /^# TYPE kata_sandbox_cpu_seconds_total counter$/m);
    assert.ok(!own.includes('# EOF'));
    const samples = (of: string): string[] => of.split('\n').filter((line) => !line.startsWith('#'));
    assert.deepEqual(samples(own), samples(text));
  });
  it('has a fixed number of series for each sandbox', () => {
    const series = lines.filter((line) => line.includes('sandbox_id="a"'));
    assert.equal(series.length, Object.keys(metrics).length);
    assert.ok(series.every((line) => seriesNames().includes(line.split('{')[0] ?? '')));
  });
});
