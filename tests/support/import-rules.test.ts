import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Linter } from 'eslint';
import { importRules } from '../../tools/lint/import-rules.ts';

describe('lint rules on imports', () => {
  let repository: string;
  beforeEach(() => {
    repository = mkdtempSync(join(tmpdir(), 'import-rules-'));
  });
  afterEach(() => rmSync(repository, { recursive: true }));

  function write(file: string, text: string): void {
    mkdirSync(dirname(join(repository, file)), { recursive: true });
    writeFileSync(join(repository, file), text);
  }

  /** The rules that a file with this text violates. */
  function violations(file: string, code: string): string[] {
    const linter = new Linter({ cwd: repository, configType: 'flat' });
    const rules = { 'imports/floors': 'error', 'imports/no-cycles': 'error', 'imports/no-folder-cycles': 'error' } as const;
    const config = [{ files: ['**/*.ts'], plugins: { imports: importRules }, rules }];
    return linter.verify(code, config, { filename: join(repository, file) }).map(({ ruleId }) => ruleId ?? 'syntax');
  }

  const cases: [name: string, file: string, code: string, expected: string[]][] = [
    ['a use case imports the factory', 'sandbox/a.ts', "import { b } from '../factory/b.ts';", []],
    ['every floor may import the lowest floor', 'state/a.ts', "import { b } from '../mounts/b.ts';", []],
    ['a VM may not import a use case', 'vm/a.ts', "import { b } from '../sandbox/b.ts';", ['imports/floors']],
    ['the lower floors may not import the undo journal', 'network/a.ts', "import { b } from '../undo/b.ts';", ['imports/floors']],
    ['import() is checked too', 'state/a.ts', "void import('../cli/b.ts');", ['imports/floors']],
    ['folders on the same floor may not import each other', 'network/a.ts', "import { b } from '../storage/b.ts';", ['imports/floors']],
    ['a new folder needs a floor', 'state/a.ts', "import { b } from '../attic/b.ts';", ['imports/floors']],
    ['main.ts may import every folder', 'main.ts', "import { b } from './cli/b.ts';", []],
    ['a verb may not import the table of verbs', 'cli/verbs/a.ts', "import { b } from '../b.ts';", ['imports/floors']],
    ['a folder without an entry has the floor of its parent', 'hypervisor/qmp/a.ts', "import { b } from '../../mounts/b.ts';", []],
  ];
  for (const [name, file, code, expected] of cases)
    it(name, () => assert.deepEqual(violations(join('packages/runtime/src', file), code), expected));

  it('every package has floors', () => {
    const file = 'packages/agent/src/containers/a.ts';
    assert.deepEqual(violations(file, "import { b } from '../service/b.ts';"), ['imports/floors']);
    assert.deepEqual(violations(file, "import { b } from '../oci/b.ts';"), []);
  });

  it('reports a cycle of three files', () => {
    write('b.ts', "import './x.ts';\nimport { c } from './c.ts';\n");
    write('c.ts', "import {\n  a,\n} from './a.ts';\n");
    assert.deepEqual(violations('a.ts', "import { b } from './b.ts';"), ['imports/no-cycles']);
    assert.deepEqual(violations('d.ts', "import { b } from './b.ts';"), []);
  });

  it('reports a cycle of three folders that is not a cycle of files', () => {
    write('tools/b.ts', "import type { c } from '../packaging/c.ts';\n");
    write('packaging/c.ts', "export const load = async () => import('../bench/d.ts');\n");
    assert.deepEqual(violations('bench/a.ts', "import { b } from '../tools/b.ts';"), ['imports/no-folder-cycles']);
    assert.deepEqual(violations('tests/a.ts', "import { b } from '../tools/b.ts';"), []);
  });

  it('reports an import of the parent folder, which imports this folder', () => {
    write('bench/run.ts', "import { a } from './scenarios/a.ts';\n");
    assert.deepEqual(violations('bench/scenarios/b.ts', "import { c } from '../c.ts';"), ['imports/no-folder-cycles']);
  });

  it('reports a cycle of folders of two packages', () => {
    write('packages/common/src/mux/b.ts', "import { c } from '@kata-containers/proxy/relay/c';\n");
    const code = "import { b } from '@kata-containers/common/mux/b';";
    assert.deepEqual(violations('packages/proxy/src/relay/a.ts', code), ['imports/no-folder-cycles']);
  });
});
