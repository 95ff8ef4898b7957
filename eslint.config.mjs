// Rules that eslint enforces; each message gives the reason. See CONTRIBUTING.md.
import tseslint from 'typescript-eslint';
import { importRules } from './tools/lint/import-rules.ts';

const noProcessPackages = {
  group: [
    '@kata-containers/runtime*',
    '@kata-containers/proxy*',
    '@kata-containers/shim*',
    '@kata-containers/agent*',
    '@kata-containers/ksm-throttler*',
  ],
  message: 'Processes communicate by argv, files, sockets and gRPC only, so that each can be replaced by another implementation.',
};
const noRealKernel = {
  group: ['@kata-containers/common/kernel/linux-kernel'],
  message: 'The command line and main.ts pass the kernel as a parameter, so that tests can pass another kernel.',
};
const engineReason = 'Only common/kernel and common/process depend on the JavaScript engine; their exports are the same on every engine.';
const noEngineModules = ['node:ffi', 'node:v8', 'node:vm', 'node:module', 'bun', 'bun:ffi'].map((name) => ({
  name,
  message: engineReason,
}));
const noEngineProperties = ['versions', 'execPath', 'execArgv', 'getBuiltinModule', 'binding'].map((property) => ({
  object: 'process',
  property,
  message: engineReason,
}));
const noHandle = { selector: "Identifier[name='_handle']", message: engineReason };
const noDefaultExports = { selector: 'ExportDefaultDeclaration', message: 'Default exports lose their name at the import.' };
const noEnums = { selector: 'TSEnumDeclaration', message: 'Enums are not erasable: use a union of literals.' };
/** Declarations of a variable, a parameter or a type with one of these names. */
const bindings = (names) =>
  [
    'VariableDeclarator > Identifier.id',
    ':function > Identifier.params',
    'ObjectPattern > Property > Identifier.value',
    'Property > AssignmentPattern > Identifier.left',
    'ArrayPattern > Identifier',
    ':matches(TSInterfaceDeclaration, TSTypeAliasDeclaration, ClassDeclaration) > Identifier.id',
  ]
    .map((place) => `${place}[name=/^(${names})$/]`)
    .join(', ');
const noHiddenGlobals = {
  selector: bindings('console|process|Number|Proxy|Record'),
  message: 'This name hides a global name: use another name.',
};
const pureReason = "This file's name says that it is pure: plans and parsers use no files, sockets, processes, clocks or random numbers.";
const noImpureModules = ['node:fs', 'node:fs/promises', 'node:net', 'node:child_process', 'node:timers/promises'].map((name) => ({
  name,
  message: pureReason,
}));
const noImpureProperties = [
  ...['Date', 'performance'].map((object) => ({ object, property: 'now' })),
  { object: 'Math', property: 'random' },
  ...['pid', 'ppid', 'hrtime', 'argv', 'cwd'].map((property) => ({ object: 'process', property })),
].map((use) => ({ ...use, message: pureReason }));
const noCurrentTime = { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: pureReason };
const noExit = {
  object: 'process',
  property: 'exit',
  message: 'Only common/process/run-main.ts ends a process: return an exit code or throw.',
};
const noEnv = {
  object: 'process',
  property: 'env',
  message: 'Only main.ts and options.ts read the environment; they pass values on as parameters.',
};

export default tseslint.config(
  { ignores: ['**/dist/**', '**/generated/**', '**/node_modules/**', '.cache/**', 'stage/**'] },
  ...tseslint.configs.strict,
  {
    files: ['**/*.ts'],
    plugins: { imports: importRules },
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/await-thenable': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_', argsIgnorePattern: '^_' }],
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      'imports/floors': 'error',
      'imports/no-cycles': 'error',
      'imports/no-folder-cycles': 'error',
      'no-restricted-imports': ['error', { patterns: [noProcessPackages], paths: noEngineModules }],
      'no-restricted-globals': ['error', { name: 'Bun', message: engineReason }],
      'no-restricted-properties': ['error', noExit, noEnv, ...noEngineProperties],
      'no-restricted-syntax': ['error', noDefaultExports, noEnums, noHiddenGlobals, noHandle],
      'no-console': 'error',
      complexity: ['error', 20],
      'max-params': ['error', 4],
      'max-lines': ['error', 300],
      'max-lines-per-function': ['error', { max: 60, skipComments: true, skipBlankLines: true }],
    },
  },
  {
    files: ['**/main.ts', '**/options.ts', '**/*.test.ts', 'tests/**', 'bench/**', 'tools/**', 'packaging/**'],
    rules: { 'no-restricted-properties': ['error', noExit], 'no-console': 'off', 'max-lines-per-function': 'off' },
  },
  {
    files: ['packages/*/src/**/main.ts'],
    rules: { 'no-restricted-properties': ['error', noExit, ...noEngineProperties] },
  },
  {
    files: ['**/*.test.ts', 'tests/**', 'bench/**', 'tools/**', 'packaging/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [noProcessPackages] }],
      'no-restricted-globals': 'off',
      'no-restricted-syntax': ['error', noDefaultExports, noEnums, noHiddenGlobals],
    },
  },
  {
    files: ['packages/common/src/{kernel,process}/**'],
    rules: {
      'no-restricted-imports': ['error', { patterns: [noProcessPackages] }],
      'no-restricted-globals': 'off',
      'no-restricted-properties': ['error', noExit, noEnv],
      'no-restricted-syntax': ['error', noDefaultExports, noEnums, noHiddenGlobals],
    },
  },
  { files: ['packages/common/src/process/run-main.ts'], rules: { 'no-restricted-properties': 'off' } },
  { files: ['packages/common/src/kernel/**'], rules: { 'max-params': 'off' } }, // system calls have up to six parameters
  { files: ['packages/runtime/src/cli/**'], rules: { 'no-console': 'off' } },
  {
    files: ['packages/*/src/**'],
    ignores: [
      'packages/runtime/src/cli/**',
      'packages/*/src/**/{main,run-*}.ts',
      'packages/common/src/{kernel,process}/**',
      '**/*.test.ts',
    ],
    rules: { 'no-restricted-imports': ['error', { patterns: [noProcessPackages, noRealKernel], paths: noEngineModules }] },
  },
  {
    files: ['packages/*/src/**/{*-plan,parse-*,validate-*,*-requests,command-line,lifecycle,*-message}.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [noProcessPackages, noRealKernel],
          paths: [...noImpureModules, ...noEngineModules],
        },
      ],
      'no-restricted-properties': ['error', noExit, noEnv, ...noEngineProperties, ...noImpureProperties],
      'no-restricted-syntax': ['error', noDefaultExports, noEnums, noHiddenGlobals, noHandle, noCurrentTime],
    },
  },
);
