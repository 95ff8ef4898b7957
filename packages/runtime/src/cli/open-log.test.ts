import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLog } from './open-log.ts';

describe('the log file of an engine', () => {
  let directory = '';
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'log-'))));
  afterEach(() => rmSync(directory, { recursive: true }));
  const write = (path: string): void => openLog({ path, format: 'json', level: 'info', verb: 'state' }).log.error('what went wrong');
  const last = (path: string): unknown => (JSON.parse(readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '') as { msg: unknown }).msg;

  it('is appended to', () => {
    const path = join(directory, 'log.json');
    for (let count = 0; count < 3; count++) write(path);
    assert.equal(readFileSync(path, 'utf8').split('\n').length, 4);
    assert.deepEqual(readdirSync(directory), ['log.json']);
  });

  it('is restarted when it is long, with the last error where engines read it', () => {
    const path = join(directory, 'log.json');
    for (let count = 0; count < 3; count++) {
      writeFileSync(path, `${'x'.repeat(1 << 20)}\n`);
      write(path);
      assert.equal(last(path), 'what went wrong');
      assert.equal(readFileSync(path, 'utf8').split('\n').length, 2);
      assert.deepEqual(readdirSync(directory).sort(), ['log.json', 'log.json.old']);
    }
  });

  it('is not replaced if it is a symbolic link', () => {
    const [target, path] = [join(directory, 'target'), join(directory, 'log.json')];
    writeFileSync(target, `${'x'.repeat(1 << 20)}\n`);
    symlinkSync(target, path);
    write(path);
    assert.deepEqual([last(target), readdirSync(directory).sort()], ['what went wrong', ['log.json', 'target']]);
  });

  it('may be on a full file system: the verb continues', () => write('/dev/full'));

  const messages = (lines: readonly string[]): string[] => lines.map((line) => /msg=(\S+)/.exec(line)?.[1] ?? line);
  const cases: [what: string, debug: boolean, inFile: string[], copied: string[]][] = [
    ['warnings and errors', false, ['before', 'done', 'odd', 'wrong'], ['odd', 'wrong']],
    ['all with enable_debug', true, ['before', 'step', 'done', 'odd', 'wrong'], ['step', 'done', 'odd', 'wrong']],
  ];
  for (const [what, debug, inFile, copied] of cases)
    it(`is copied to syslog: ${what}`, () => {
      const [path, lines]: [string, string[]] = [join(directory, 'log'), []];
      const { log, configure } = openLog({ path, format: 'text', level: 'info', verb: 'create' });
      log.info('before');
      configure({ debug, copy: (line) => lines.push(line) });
      log.debug('step');
      log.info('done');
      log.child({ sandbox: 'box' }).warn('odd');
      log.error('wrong');
      assert.deepEqual(messages(readFileSync(path, 'utf8').trim().split('\n')), inFile);
      assert.deepEqual(messages(lines), copied);
      assert.match(lines.at(-1) ?? '', /^time="[^"]*\.\d{9}[^"]*" level=error msg=wrong .*command=create/);
      assert.match(lines.at(-2) ?? '', / sandbox=box /);
    });
});
