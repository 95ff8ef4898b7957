/** Documents are written by hand: the files in their links and paths must exist, and prose has lines of at most 100 characters. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '../..');
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(join(root, file)));
const MAX_LINE = 100;
const packages = ['agent', 'common', 'ksm-throttler', 'proxy', 'runtime', 'shim'];

/** Targets of links and images inside this repository. */
function links(text: string): string[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target.replace(/#.*$/, ''));
  return targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}

/** `folder/file.ts` in backticks: a source file, relative to the root, to `packages`, or to a package's `src`. */
const sources = (text: string): string[] =>
  [...text.matchAll(/`([\w.-]+\/[\w./-]+\.(?:ts|sh|proto|golden|conf))`/g)].map(([, path = '']) => path);

/** Lines outside of tables, without links and single pieces of code, which cannot be broken. */
const proseLines = (text: string): string[] => text.split('\n').filter((line) => !/^\s*\||\]\(\S+\)|^- `[^`]+`:$/.test(line));

const places = (path: string): string[] => {
  const [first = '', ...rest] = path.split('/');
  const inPackage = packages.includes(first) ? [join('packages', path), join('packages', first, 'src', ...rest)] : [];
  return [path, ...inPackage, ...packages.flatMap((name) => [join('packages', name, 'src', path), join('packages', name, path)])];
};

describe('documents', () => {
  for (const file of documents) {
    const text = readFileSync(join(root, file), 'utf8');

    it(`${file} links to files that exist`, () =>
      assert.deepEqual(
        links(text).filter((target) => !existsSync(join(root, dirname(file), target))),
        [],
      ));

    it(`${file} names source files that exist`, () =>
      assert.deepEqual(
        sources(text).filter((path) => !places(path).some((place) => existsSync(join(root, place)))),
        [],
      ));

    it(`${file} has lines of at most ${MAX_LINE} characters outside of tables`, () =>
      assert.deepEqual(
        proseLines(text).filter((line) => [...line].length > MAX_LINE),
        [],
      ));
  }
});
