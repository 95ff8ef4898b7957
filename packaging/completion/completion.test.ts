import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completionScript } from './completion-script.ts';

const FILE = join(import.meta.dirname, 'kata-runtime');

describe('bash completion', () => {
  let directory = '';
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'completion-'));
    writeFileSync(join(directory, 'kata-runtime'), '#!/bin/sh\n[ "$*" = "list --quiet" ] && printf "box\\nother\\n"\n');
    chmodSync(join(directory, 'kata-runtime'), 0o755);
  });
  after(() => rmSync(directory, { recursive: true }));

  /** Completions of the last argument. */
  function offers(...args: string[]): string[] {
    const script = `source "$0"; COMP_WORDS=(kata-runtime "$@"); COMP_CWORD=$#; _kata_runtime kata-runtime; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const options = { encoding: 'utf8' as const, env: { PATH: `${directory}:/usr/bin:/bin` } };
    return execFileSync('bash', ['--norc', '-c', script, FILE, ...args], options)
      .split('\n')
      .filter(Boolean);
  }

  it('is up to date with the tables of verbs and options (else run node packaging/completion/write.ts)', async () =>
    assert.equal(readFileSync(FILE, 'utf8'), await completionScript()));

  const cases: [args: string[], offered: string[]][] = [
    [['kata-c'], ['kata-check']],
    [['--kata-config', '/c.toml', 'pa'], ['pause']],
    [['--log-f'], ['--log-format']],
    [
      ['--log-format', ''],
      ['text', 'json'],
    ],
    [['ps', '--f'], ['--format']],
    [['list', '--format', 'j'], ['json']],
    [['pause', 'b'], ['box']],
    [['start', 'box', 'o'], ['other']],
    [
      ['update', '--memory-'],
      ['--memory-reservation', '--memory-swap'],
    ],
    [
      ['kata-network', 'list-'],
      ['list-ifaces', 'list-routes'],
    ],
    [['create', ''], []],
    [['help', 'kata-e'], ['kata-env']],
    [['delete', '-f', 'b'], ['box']],
    [['list', '-f', 't'], ['table']],
    [['list', '--format', '=', 't'], ['table']],
    [
      ['list', '--format', '='],
      ['table', 'json'],
    ],
    [['--log-format', '=', 'json', 'pau'], ['pause']],
    [['exec', '-u', '0:0', 'b'], ['box']],
    [['exec', 'box', 'o'], []],
    [['kill', 'box', 'KI'], ['KILL']],
    [['kata-network', 'list-ifaces', 'o'], ['other']],
    [['state', 'box', ''], []],
    [['update', '--memory', ''], []],
    [['--kata-config', '/usr/shar'], ['/usr/share']],
  ];
  it('asks the kata-runtime that is called', () => {
    const program = join(directory, 'elsewhere');
    writeFileSync(program, '#!/bin/sh\necho box-elsewhere\n');
    chmodSync(program, 0o755);
    const script = `source "$0"; COMP_WORDS=("$1" state ''); COMP_CWORD=2; _kata_runtime "$1"; echo "$COMPREPLY"`;
    assert.equal(execFileSync('bash', ['--norc', '-c', script, FILE, program], { encoding: 'utf8' }), 'box-elsewhere\n');
  });

  for (const [args, offered] of cases) it(`kata-runtime ${args.join(' ')}`, () => assert.deepEqual(offers(...args), offered));
});
