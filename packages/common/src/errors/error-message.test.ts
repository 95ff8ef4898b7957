import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ConfigurationError, KernelError } from './kata-error.ts';
import { errorCode, errorMessage } from './error-message.ts';

describe('errorMessage', () => {
  const cases: [name: string, thrown: unknown, text: string][] = [
    ['an error', new Error('no space'), 'no space'],
    ['a string', 'plain', 'plain'],
    ['causes are appended', new Error('cannot start', { cause: new Error('no kernel') }), 'cannot start: no kernel'],
    ['a cause with the same text is omitted', new Error('a: b', { cause: new Error('b') }), 'a: b'],
    ['line breaks are folded', new Error('one\n  two'), 'one two'],
  ];
  for (const [name, thrown, text] of cases) it(name, () => assert.equal(errorMessage(thrown), text));

  for (const [path, code] of [
    ['/missing', 'ENOENT'],
    ['/etc/passwd/x', 'ENOTDIR'],
  ] as const)
    it(`omits the kernel's phrase, also in a cause: ${code}`, () => {
      const read = (): unknown => {
        try {
          return readFileSync(path);
        } catch (error) {
          return error;
        }
      };
      assert.equal(errorMessage(read()), `open '${path}' failed (${code})`);
      assert.equal(errorMessage(new Error('no state', { cause: read() })), `no state: open '${path}' failed (${code})`);
    });
  for (const error of [new KernelError('mount', 16, 'EBUSY', 'of /x'), new Error('ENOENT: no such file, x')])
    it(`does not change other errors: ${error.message}`, () => assert.equal(errorMessage(error), error.message));

  it('terminates for a cycle of causes', () => {
    const error = new Error('loop');
    error.cause = error;
    assert.equal(errorMessage(error), 'loop');
  });
});

describe('errorCode', () => {
  it('is the errno name of a kernel error', () => assert.equal(errorCode(new KernelError('mount', 16, 'EBUSY', '/x')), 'EBUSY'));
  it('is undefined for other values', () => assert.equal(errorCode(new Error('x')), undefined));
});

describe('ConfigurationError', () => {
  it('reports all problems together', () => {
    const error = new ConfigurationError('/c.toml', [
      { key: 'hypervisor.qemu.kernel', problem: 'is missing' },
      { key: 'a.b', problem: 'must be an integer', place: '/d.toml:3:5', text: '"x"' },
      { key: '', problem: 'is not TOML', place: '/d.toml:1:2', text: '[a' },
    ]);
    assert.equal(
      error.message,
      'configuration /c.toml: hypervisor.qemu.kernel: is missing; /d.toml:3:5: a.b = "x": must be an integer; /d.toml:1:2: is not TOML in "[a"',
    );
    assert.equal(error.exitCode, 1);
    assert.equal(error.name, 'ConfigurationError');
  });
});
