/** `enable_tracing`: the spans of all processes of a sandbox, as a collector receives them. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { OtlpCollector, spansOf } from '../support/otlp-collector.ts';
import type { OtlpMessage, ReceivedSpan } from '../support/otlp-collector.ts';
import { kataRuntime, variant } from '../support/staged.ts';

const enable = (toml: string, endpoint: string): string =>
  toml
    .replace(/^#?enable_tracing = false$/gm, 'enable_tracing = true')
    .replace(/^#?trace_endpoint = .*$/m, `trace_endpoint = "${endpoint}"`);

describe('tracing', function () {
  this.timeout(120_000);
  let directory = '';
  let engine: Engine;
  let collector: OtlpCollector;
  before(async () => {
    directory = mkdtempSync(join(tmpdir(), 'kata-tracing-'));
    collector = await OtlpCollector.start(join(directory, 'otlp.sock'));
    const traced = variant(directory, 'traced', (toml) => enable(toml, collector.endpoint));
    const filed = variant(directory, 'filed', (toml) => enable(toml, `file://${directory}/spans.json`));
    const lost = variant(directory, 'lost', (toml) => enable(toml, `unix://${directory}/nobody.sock`));
    engine = await Engine.start({ traced, filed, lost, plain: kataRuntime }, 'traced');
    await docker('run', '--rm', '--runtime', 'plain', 'busybox', 'true'); // creates the template
  });
  after(async () => {
    await engine.stop();
    collector.close();
    rmSync(directory, { recursive: true });
    assert.deepEqual(leftovers(), []);
  });
  beforeEach(() => void collector.spans.splice(0));

  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.docker(args);
    assert.equal(code, 0, stderr);
    return stdout;
  };
  const spanNamed = (name: string, service: string, kind?: number): ReceivedSpan => {
    const found = collector.spans.filter((span) => span.name === name && span.service === service && (kind ?? span.kind) === span.kind);
    assert.equal(
      found.length,
      1,
      `${found.length} spans ${name} of ${service}: ${JSON.stringify(collector.spans.map((span) => span.name))}`,
    );
    return found[0] ?? assert.fail();
  };
  /** Names of the span and its ancestors, up to the first span of the trace. */
  const pathOf = (span: ReceivedSpan): string[] => {
    const parent = collector.spans.find(({ spanId }) => spanId === span.parentSpanId);
    return [`${span.service}/${span.name}`, ...(parent ? pathOf(parent) : [])];
  };

  it('records one trace of a container, from create to delete, with spans of proxy, shim and agent', async () => {
    const id = (await docker('run', '--rm', 'busybox', 'cat', '/proc/sys/kernel/hostname')).trim();
    const traces = new Set(collector.spans.map(({ traceId }) => traceId));
    assert.equal(traces.size, 1);
    const create = spanNamed('kata-runtime create', 'kata-runtime');
    assert.equal(create.parentSpanId, undefined);
    assert.match(create.attributes['container.id'] ?? '', new RegExp(`^${id}`));
    for (const verb of ['start', 'delete']) assert.equal(spanNamed(`kata-runtime ${verb}`, 'kata-runtime').parentSpanId, create.spanId);
    assert.deepEqual(pathOf(spanNamed('connect to QEMU', 'kata-proxy')), [
      'kata-proxy/connect to QEMU',
      'kata-proxy/kata-proxy',
      'kata-runtime/proxy spawn',
      'kata-runtime/kata-runtime create',
    ]);
    assert.deepEqual(pathOf(spanNamed('crun create', 'kata-agent')), [
      'kata-agent/crun create',
      'kata-agent/CreateContainer',
      'kata-runtime/CreateContainer',
      'kata-runtime/kata-runtime create',
    ]);
    // The exit code comes with the end of the output, without a call of WaitProcess.
    assert.deepEqual(pathOf(spanNamed('output', 'kata-shim')), [
      'kata-shim/output',
      'kata-shim/kata-shim',
      'kata-runtime/shim start',
      'kata-runtime/kata-runtime create',
    ]);
    const parents = new Map(collector.spans.map((span) => [span.spanId, span]));
    for (const span of collector.spans) {
      assert.ok(span.beginMs <= span.endMs, span.name);
      const parent = parents.get(span.parentSpanId ?? '');
      assert.ok(span === create || parent, `${span.name} has no parent`);
      if (span.service === 'kata-agent' && parent) assert.ok(span.beginMs >= parent.beginMs && span.endMs <= parent.endMs, span.name);
      assert.equal(span.error, undefined, span.name);
    }
  });

  it("continues the engine's trace, and records nothing for a trace without the flag sampled", async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    const id = (await docker('create', 'busybox', 'true')).trim();
    const call = (flags: string): Promise<string> =>
      docker('version', '--format', '{{.Server.Os}}').then(() => runVerb(`00-${traceId}-00f067aa0ba902b7-${flags}`));
    const runVerb = async (parent: string): Promise<string> => {
      const { stderr } = await engine.inMounts('env', [`TRACEPARENT=${parent}`, join(directory, 'traced'), 'start', 'nobody']);
      return stderr;
    };
    assert.match(await call('00'), /does not exist/);
    assert.equal(collector.spans.length, 0);
    assert.match(await call('01'), /does not exist/);
    const root = collector.spans.at(0);
    assert.deepEqual([root?.traceId, root?.parentSpanId, root?.name], [traceId, '00f067aa0ba902b7', 'kata-runtime start']);
    assert.match(root?.error ?? '', /does not exist/);
    await docker('rm', id);
  });

  it('records the spans of an exec and of its shim', async () => {
    await docker('run', '-d', '--name', 'box', 'busybox', 'sleep', '1000');
    const { traceId } = spanNamed('kata-runtime create', 'kata-runtime');
    await docker('exec', 'box', 'true');
    await docker('exec', 'box', 'true'); // sends the spans that the shim of the first exec has written at its end
    const shims = collector.spans.filter(({ name, service }) => name === 'kata-shim' && service === 'kata-shim');
    assert.equal(shims.length, 1);
    assert.equal(pathOf(shims[0] ?? assert.fail())[2], 'kata-runtime/kata-runtime exec');
    await docker('rm', '-f', 'box');
    assert.deepEqual([...new Set(collector.spans.map((span) => span.traceId))], [traceId]);
    assert.ok(spanNamed('kata-runtime kill', 'kata-runtime'));
  });

  it('appends OTLP messages to a file, one on each line', async () => {
    await docker('run', '--rm', '--runtime', 'filed', 'busybox', 'true');
    const lines = readFileSync(join(directory, 'spans.json'), 'utf8').trimEnd().split('\n');
    const spans = lines.flatMap((line) => spansOf(JSON.parse(line) as OtlpMessage));
    assert.equal(new Set(spans.map(({ traceId }) => traceId)).size, 1);
    const services = new Set(spans.map(({ service }) => service));
    assert.deepEqual([...services].sort(), ['kata-agent', 'kata-proxy', 'kata-runtime', 'kata-shim']);
  });

  it('runs containers although no collector answers', async () => {
    assert.equal(await docker('run', '--rm', '--runtime', 'lost', 'busybox', 'echo', 'here'), 'here\n');
  });

  it('is off by default', async () => {
    await docker('run', '--rm', '--runtime', 'plain', 'busybox', 'true');
    assert.deepEqual(collector.spans, []);
  });
});
