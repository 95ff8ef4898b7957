import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openProcessTrace } from './process-trace.ts';
import { SPAN_FILE_VARIABLE, newSpanFile, takeSpans } from './span-file.ts';
import { PARENT_VARIABLE, newSpanId, newTraceId } from './trace-parent.ts';

describe('the span files of a sandbox', () => {
  let directory: string;
  beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), 'kata-spans-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  const [traceId, parentId] = [newTraceId(), newSpanId()];
  const environment = (path = newSpanFile(directory)): NodeJS.ProcessEnv => ({
    [PARENT_VARIABLE]: `00-${traceId}-${parentId}-01`,
    [SPAN_FILE_VARIABLE]: path,
  });

  it('return the spans of an ended process, once', async () => {
    const trace = await openProcessTrace('kata-shim', environment());
    await trace.step('connect', () => {});
    assert.deepEqual(takeSpans(directory), []);
    trace.end();
    const names = takeSpans(directory).map(({ name, traceId: id }) => [name, id]);
    assert.deepEqual(names, [['kata-shim', traceId], ['connect', traceId]]); // prettier-ignore
    assert.deepEqual(takeSpans(directory), []);
    assert.deepEqual(readdirSync(directory), []);
  });

  it('are not created for a process that is not traced', async () => {
    const { [PARENT_VARIABLE]: _, ...rest } = environment();
    (await openProcessTrace('kata-shim', rest)).end();
    (await openProcessTrace('kata-shim', environment('/nonexistent/file'))).end();
    assert.deepEqual(readdirSync(directory), []);
  });

  const span = { traceId, spanId: parentId, name: 'a', kind: 'internal', beginMs: 1, endMs: 2, service: 'kata-shim', pid: 1 };
  const malformed: [name: string, content: string][] = [
    ['no JSON', '['],
    ['no list', JSON.stringify(span)],
    ['an id that is not hexadecimal', JSON.stringify([{ ...span, traceId: 'x'.repeat(32) }])],
    ['a name with control characters', JSON.stringify([{ ...span, name: '\u001b[2J' }])],
    ['another service', JSON.stringify([{ ...span, service: 'sshd' }])],
    ['an end before the begin', JSON.stringify([{ ...span, endMs: 0 }])],
    ['attributes', JSON.stringify([{ ...span, attributes: { a: 'b' } }])],
    ['more than 64 KiB', JSON.stringify([{ ...span, error: 'x'.repeat(70_000) }])],
  ];
  for (const [name, content] of malformed) {
    it(`ignores ${name}, and removes the file`, () => {
      const path = newSpanFile(directory) ?? '';
      writeFileSync(path, content);
      assert.deepEqual(takeSpans(directory), []);
      assert.ok(!existsSync(path));
    });
  }

  it('have a limit of spans and of files', () => {
    writeFileSync(newSpanFile(directory) ?? '', JSON.stringify(Array.from({ length: 200 }, () => span)));
    assert.equal(takeSpans(directory).length, 64);
    for (let count = 0; count < 64; count++) writeFileSync(newSpanFile(directory) ?? '', '');
    assert.equal(newSpanFile(directory), undefined);
  });
});
