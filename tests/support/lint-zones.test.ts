import assert from 'node:assert/strict';
import { join } from 'node:path';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';

const repository = join(import.meta.dirname, '../..');
const PROCESSES = ['runtime', 'proxy', 'shim', 'agent', 'ksm-throttler'];
const KERNEL = "import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';\nlinuxKernel.sync();\n";
const ENGINE = "import { setFlagsFromString } from 'node:v8';\nsetFlagsFromString(process.execPath);\n";

describe("the project's lint rules", () => {
  let rules: Linter.Config[];
  before(async () => {
    const { default: own } = (await import(join(repository, 'eslint.config.mjs'))) as { default: Linter.Config[] };
    // Rules that need types would need a file of the project on disk.
    rules = [...own, { files: ['**/*.ts'], ...(tseslint.configs.disableTypeChecked as Linter.Config) }];
  });
  const broken = (file: string, code: string): string[] =>
    new Linter({ cwd: repository, configType: 'flat' })
      .verify(code, rules, { filename: join(repository, file) })
      .map(({ ruleId, message }) => ruleId ?? message);

  for (const from of [...PROCESSES, 'common'])
    for (const to of PROCESSES.filter((name) => name !== from))
      it(`${from} may not import ${to}`, () =>
        assert.deepEqual(broken(`packages/${from}/src/a.ts`, `import { b } from '@kata-containers/${to}/b';\nb();\n`), [
          ...(from === 'common' ? ['imports/no-folder-cycles'] : []), // the other package imports common
          'no-restricted-imports',
        ]));

  const zones: [name: string, file: string, code: string, expected: string[]][] = [
    ['a use case may not import the real kernel', 'packages/runtime/src/sandbox/a.ts', KERNEL, ['no-restricted-imports']],
    ['the agent may not import the real kernel', 'packages/agent/src/containers/a.ts', KERNEL, ['no-restricted-imports']],
    ['the shim may not import the real kernel', 'packages/shim/src/a.ts', KERNEL, ['no-restricted-imports']],
    ['a verb may import the real kernel', 'packages/runtime/src/cli/verbs/a.ts', KERNEL, []],
    ['a main may import the real kernel', 'packages/agent/src/run-agent.ts', KERNEL, []],
    ['a test may import the real kernel', 'packages/runtime/src/sandbox/a.test.ts', KERNEL, []],
    [
      'a use case may not depend on the JavaScript engine',
      'packages/runtime/src/sandbox/a.ts',
      ENGINE,
      ['no-restricted-imports', 'no-restricted-properties'],
    ],
    ['nor may a plan', 'packages/proxy/src/a-plan.ts', ENGINE, ['no-restricted-imports', 'no-restricted-properties']],
    ['common/process may', 'packages/common/src/process/a.ts', ENGINE, []],
    ...['x-plan', 'parse-x', 'validate-x', 'x-requests', 'command-line', 'lifecycle', 'x-message'].map(
      (name): [string, string, string, string[]] => [
        `${name}.ts may not read files`,
        `packages/runtime/src/sandbox/${name}.ts`,
        "import { readFileSync } from 'node:fs';\nreadFileSync('/');\n",
        ['no-restricted-imports'],
      ],
    ),
    ...['Date.now()', 'performance.now()', 'Math.random()', 'process.pid', 'process.hrtime()'].map(
      (expression): [string, string, string, string[]] => [
        `a plan may not use ${expression}`,
        'packages/runtime/src/sandbox/x-plan.ts',
        `export const a = () => ${expression};\n`,
        ['no-restricted-properties'],
      ],
    ),
    [
      'a plan may not read the time',
      'packages/runtime/src/sandbox/x-plan.ts',
      'export const a = () => new Date();\n',
      ['no-restricted-syntax'],
    ],
    ['a plan may convert a time', 'packages/runtime/src/sandbox/x-plan.ts', 'export const a = (b: number) => new Date(b);\n', []],
    ['no file ends the process', 'packages/proxy/src/a.ts', 'process.exit(1);\n', ['no-restricted-properties']],
    ['but run-main.ts does', 'packages/common/src/process/run-main.ts', 'process.exit(1);\n', []],
    [
      'the environment is not read in depth',
      'packages/shim/src/a.ts',
      "export const a = process.env['A'];\n",
      ['no-restricted-properties'],
    ],
    ['but in a main', 'packages/shim/src/main.ts', "export const a = process.env['A'];\n", []],
    ['no file prints', 'packages/agent/src/a.ts', "console.log('a');\n", ['no-console']],
    ['but a verb does', 'packages/runtime/src/cli/verbs/a.ts', "console.log('a');\n", []],
    ['no default exports', 'packages/agent/src/a.ts', 'export default 1;\n', ['no-restricted-syntax']],
    ['no enums', 'packages/agent/src/a.ts', 'export enum A {\n  B,\n}\n', ['no-restricted-syntax']],
    ['four parameters', 'packages/agent/src/a.ts', 'export const a = (b: 1, c: 1, d: 1, e: 1) => [b, c, d, e];\n', []],
    ['not five', 'packages/agent/src/a.ts', 'export const a = (b: 1, c: 1, d: 1, e: 1, f: 1) => [b, c, d, e, f];\n', ['max-params']],
    [
      'but a system call may',
      'packages/common/src/kernel/a.ts',
      'export const a = (b: 1, c: 1, d: 1, e: 1, f: 1) => [b, c, d, e, f];\n',
      [],
    ],
  ];
  for (const [name, file, code, expected] of zones) it(name, () => assert.deepEqual(broken(file, code), expected));

  for (const [place, code] of [
    ['a variable', 'export const f = () => {\n  const process = 1;\n  return process;\n};\n'],
    ['a parameter', 'export const f = (console: string) => console;\n'],
    ['a property', 'export const f = ({ process }: { process: string }) => process;\n'],
    ['a property with a default', "export const f = ({ console = '' }: { console?: string }) => console;\n"],
    ['a renamed property', 'export const f = ({ a: process }: { a: string }) => process;\n'],
    ['an element', 'export const f = ([process]: string[]) => process;\n'],
    ['a type', 'export interface Record {\n  readonly a: string;\n}\n'],
  ] as const)
    it(`${place} may not hide a global name`, () => assert.deepEqual(broken('packages/agent/src/a.ts', code), ['no-restricted-syntax']));
});
