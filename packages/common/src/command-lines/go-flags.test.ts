import assert from 'node:assert/strict';
import { UsageError } from '../errors/kata-error.ts';
import { asksForHelp, goFlagsUsage, parseGoFlags } from './go-flags.ts';
import type { GoFlag, GoFlagValues } from './go-flags.ts';

const flags: GoFlag[] = [
  { name: 'mux-socket', kind: 'string', description: 'socket' },
  { name: 'log', kind: 'string', description: 'level', default: 'warn' },
  { name: 'debug', kind: 'boolean', description: 'debug mode', default: false },
];

describe('parseGoFlags', () => {
  const none = { 'mux-socket': undefined, log: 'warn', debug: false };
  const cases: [name: string, argv: string[], values: GoFlagValues][] = [
    ['nothing', [], none],
    ['single dash', ['-mux-socket', '/a'], { ...none, 'mux-socket': '/a' }],
    ['double dash and equals', ['--mux-socket=/a=b', '--log=debug'], { ...none, 'mux-socket': '/a=b', log: 'debug' }],
    ['a value that looks like a flag', ['-mux-socket', '-debug'], { ...none, 'mux-socket': '-debug' }],
    ['boolean', ['-debug', '-log', 'info'], { ...none, debug: true, log: 'info' }],
    ['boolean with a value', ['-debug=false'], { ...none, debug: false }],
    ['parsing stops at the first other argument', ['-debug', 'word', '-log', 'info'], { ...none, debug: true }],
    ['the last value is used', ['-log', 'a', '-log', 'b'], { ...none, log: 'b' }],
  ];
  for (const [name, argv, values] of cases) it(name, () => assert.deepEqual(parseGoFlags('p', argv, flags), values));

  for (const [name, argv] of [
    ['an unknown flag', ['-what']],
    ['a missing value', ['-log']],
    ['an invalid boolean', ['-debug=maybe']],
  ] as const) {
    it(`${name} is refused`, () => assert.throws(() => parseGoFlags('p', argv, flags), UsageError));
  }
});

describe('asksForHelp', () => {
  for (const argv of [['-h'], ['--help']]) it(argv.join(' '), () => assert.ok(asksForHelp(argv)));
  for (const argv of [[], ['-log'], ['-sandbox', '-h']]) it(`not: ${argv.join(' ')}`, () => assert.ok(!asksForHelp(argv)));
});

describe('goFlagsUsage', () => {
  it('lists the flags as Go does, with the defaults that are not zero values', () => {
    const backOff: GoFlag = { name: 'back-off', kind: 'boolean', description: 'less', default: true };
    assert.equal(
      goFlagsUsage('kata-proxy', [...flags, backOff]),
      'Usage of kata-proxy:\n  -mux-socket string\n    \tsocket\n  -log string\n    \tlevel (default "warn")\n' +
        '  -debug\n    \tdebug mode\n  -back-off\n    \tless (default true)\n',
    );
  });
});
