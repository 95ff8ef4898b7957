import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseGoFlags } from '../../../packages/common/src/command-lines/go-flags.ts';
import { daemonFlags } from '../../../packages/ksm-throttler/src/daemon/flags.ts';
import { verbTable } from '../../../packages/runtime/src/cli/verb-table.ts';
import { logFlag, rootFlag, uriFlag } from '../../../packages/ksm-throttler/src/process/read-command-line.ts';

const directory = import.meta.dirname;
const units = readdirSync(directory).filter((name) => name.endsWith('.service'));

/** ExecStart and the like: program and flags. */
function commands(unit: string): string[][] {
  const text = readFileSync(join(directory, unit), 'utf8');
  return [...text.matchAll(/^Exec\w+=(.*)$/gm)].map(([, line = '']) => line.split(' '));
}

describe('systemd units', () => {
  const flagsOf = { 'kata-ksm-throttler': daemonFlags, vc: [rootFlag, logFlag, uriFlag] } as const;

  it('are the two units of 1.x, and the units of kata-gc and of the VM cache', () =>
    assert.deepEqual(units, ['kata-gc.service', 'kata-ksm-throttler.service', 'kata-vc-throttler.service', 'kata-vmcache.service']));

  it('each timer has its service', () => {
    const timers = readdirSync(directory).filter((name) => name.endsWith('.timer'));
    assert.deepEqual(timers, ['kata-gc.timer']);
    for (const name of timers) assert.ok(units.includes(name.replace(/timer$/, 'service')));
  });

  for (const unit of units)
    it(`${unit} passes only existing flags to its program`, () => {
      assert.ok(commands(unit).length > 0);
      for (const [program = '', ...args] of commands(unit)) {
        if (program === '/usr/bin/kata-runtime') {
          assert.ok(Object.hasOwn(verbTable, args[0] ?? ''));
          continue;
        }
        const name = program.split('/').at(-1) as keyof typeof flagsOf;
        assert.doesNotThrow(() => parseGoFlags(name, args, flagsOf[name]));
      }
    });
});
