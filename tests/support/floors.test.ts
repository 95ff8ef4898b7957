import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Linter } from 'eslint';
import { floorsPlugin } from '../../tools/lint/floors.ts';

function violations(filename: string, code: string, cwd: string): string[] {
  const linter = new Linter({ cwd, configType: 'flat' });
  const rules = { 'floors/floors': 'error', 'floors/no-cycles': 'error' } as const;
  const config = [{ files: ['**/*.ts'], plugins: { floors: floorsPlugin }, rules }];
  return linter.verify(code, config, { filename }).map(({ ruleId }) => ruleId ?? 'syntax');
}

describe('lint rules on imports', () => {
  const runtime = (file: string): string => join('/repository/packages/runtime/src', file);
  const cases: [name: string, file: string, code: string, expected: string[]][] = [
    ['a use case imports the factory', 'sandbox/a.ts', "import { b } from '../factory/b.ts';", []],
    ['every floor may import the lowest floor', 'state/a.ts', "import { b } from '../mounts/b.ts';", []],
    ['a VM may not import a use case', 'vm/a.ts', "import { b } from '../sandbox/b.ts';", ['floors/floors']],
    ['the lower floors may not import the undo journal', 'network/a.ts', "import { b } from '../undo/b.ts';", ['floors/floors']],
    ['import() is checked too', 'state/a.ts', "void import('../cli/b.ts');", ['floors/floors']],
    ['folders on the same floor may not import each other', 'network/a.ts', "import { b } from '../storage/b.ts';", ['floors/floors']],
    ['a new folder needs a floor', 'state/a.ts', "import { b } from '../attic/b.ts';", ['floors/floors']],
    ['main.ts may import every folder', 'main.ts', "import { b } from './cli/b.ts';", []],
  ];
  for (const [name, file, code, expected] of cases)
    it(name, () => assert.deepEqual(violations(runtime(file), code, '/repository'), expected));

  it('every package has floors', () => {
    const file = '/repository/packages/agent/src/containers/a.ts';
    assert.deepEqual(violations(file, "import { b } from '../service/b.ts';", '/repository'), ['floors/floors']);
    assert.deepEqual(violations(file, "import { b } from '../oci/b.ts';", '/repository'), []);
  });

  it('reports a cycle of three files', () => {
    const directory = mkdtempSync(join(tmpdir(), 'floors-'));
    try {
      writeFileSync(join(directory, 'b.ts'), "import './x.ts';\nimport { c } from './c.ts';\n");
      writeFileSync(join(directory, 'c.ts'), "import {\n  a,\n} from './a.ts';\n");
      assert.deepEqual(violations(join(directory, 'a.ts'), "import { b } from './b.ts';", directory), ['floors/no-cycles']);
      assert.deepEqual(violations(join(directory, 'd.ts'), "import { b } from './b.ts';", directory), []);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});
