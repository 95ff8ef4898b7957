import assert from 'node:assert';
import { readSteps, readVerbs } from './parse-trace.ts';
import { timelineSvg } from './timeline-svg.ts';
import { timelineText } from './timeline-text.ts';
import { cloneMs, timeline, medianRun } from './timeline.ts';
import type { DockerRun } from './docker-run.ts';

const message = (service: string, span: object): string =>
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'service.name', value: { stringValue: service } }] },
        scopeSpans: [{ spans: [{ traceId: '', kind: 1, ...span }] }],
      },
    ],
  });
const times = (begin: number, ms: number): object => ({ startTimeUnixNano: `${begin}000000`, endTimeUnixNano: `${begin + ms}000000` });
/** The id of a step is its name. */
const step = (name: string, begin: number, ms: number, parentSpanId = ''): string =>
  message('kata-runtime', { name, spanId: name, parentSpanId, ...times(begin, ms) });
const log = [
  step('prestart hooks', 1220, 100, 'host network'),
  step('host network', 1210, 150),
  message('kata-runtime', { name: 'kata-runtime create', ...times(1120, 480) }),
  message('kata-shim', { name: 'connect', ...times(1500, 50) }),
  message('kata-agent', { name: 'CreateContainer', ...times(1610, 100), kind: 2 }),
  step('QEMU spawn', 1360, 10),
  step('share', 1361, 1),
  step('first answer', 1400, 200),
  step('StartContainer', 1820, 60),
  '',
].join('\n');
const verbs = [
  '1700 1800 --root /r --log /l --log-format json start ID',
  '1100 1600 --root /r --log /l --log-format json create --bundle /b ID',
  '1850 1950 --root /r --log /l --log-format json delete --force ID',
  '',
].join('\n');
const trace: DockerRun = { begin: 1000, end: 2000, firstOutput: 1830, verbs: readVerbs(verbs), steps: readSteps(log) };
const ending = (ms: number): DockerRun => ({ ...trace, end: trace.begin + ms });

describe('timeline of a docker run', () => {
  it('parses the verbs in the order of their start', () => {
    assert.deepStrictEqual(
      readVerbs(verbs).map(({ name, begin }) => [name, begin]),
      [['create', 1100], ['start', 1700], ['delete --force', 1850]], // prettier-ignore
    );
  });

  it('assigns the time between the verbs to the engine', () => {
    const top = timeline(trace).rows.filter(({ depth }) => depth === 0);
    assert.strictEqual(
      top.reduce((sum, { ms }) => sum + ms, 0),
      timeline(trace).totalMs,
    );
    for (const [index, { beginMs, ms }] of top.entries()) assert.strictEqual(top[index + 1]?.beginMs ?? 1000, beginMs + ms);
  });

  it('nests steps under their parents and omits the shortest', () => {
    const create = timeline(trace).rows.slice(1, 7).map(({ label, depth, ms }) => [depth, label, ms]); // prettier-ignore
    assert.deepStrictEqual(create, [
      [0, 'kata-runtime create', 500],
      [1, 'program starts, command is read', 110],
      [1, 'host network', 150],
      [2, "docker's prestart hook", 100],
      [1, 'QEMU spawn', 10],
      [1, 'agent answers (proxy, yamux)', 200],
    ]);
  });

  it('computes the duration of a clone', () => {
    assert.strictEqual(cloneMs(trace), 240);
    assert.ok(Number.isNaN(cloneMs({ ...trace, steps: [] })));
  });

  it('selects the run of median duration', () => {
    assert.strictEqual(medianRun([ending(900), ending(100), ending(300)])?.end, 1300);
    assert.strictEqual(medianRun([]), undefined);
  });

  it('is printed as text with bars', () => {
    const [title, first, second] = timelineText(timeline(trace)).split('\n');
    assert.strictEqual(title, 'One docker run: 1000 ms, first output after 830 ms');
    assert.strictEqual(first, `docker, containerd: until create         100 ms  ${'█'.repeat(6)}`);
    assert.strictEqual(second, `kata-runtime create                      500 ms  ${' '.repeat(6)}${'█'.repeat(30)}`);
  });

  it('is drawn as SVG with one label per row and all bars inside the picture', () => {
    const drawn = timeline(trace);
    const svg = timelineSvg(drawn, 'a < b');
    assert.ok(svg.includes('a &lt; b') && svg.includes('1.00 s of one docker run'));
    const width = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1]);
    for (const [, x, w] of svg.matchAll(/<rect x="([\d.]+)"[^>]* width="([\d.]+)"/g)) assert.ok(Number(x) + Number(w) <= width, svg);
    const lines = new Set([...svg.matchAll(/<text x="\d+.0" y="([\d.]+)"/g)].map(([, y]) => y));
    assert.ok(lines.size >= drawn.rows.length, 'two labels are on one line');
  });
});
