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
    const script = `source "$0"; COMP_WORDS=(kata-runtime "$@"); COMP_CWORD=$#; _kata_runtime; printf '%s\\n' "\${COMPREPLY[@]}"`;
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
  ];
  for (const [args, offered] of cases) it(`kata-runtime ${args.join(' ')}`, () => assert.deepEqual(offers(...args), offered));
});
