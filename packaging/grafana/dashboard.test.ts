/** The dashboard and docs/metrics.md must agree with the metrics of kata-runtime. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seriesNames } from '../../packages/runtime/src/cli/output/metrics-text.ts';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
const { panels } = JSON.parse(readFileSync(join(import.meta.dirname, 'kata-containers.json'), 'utf8')) as Dashboard;
const document = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');

describe('the Grafana dashboard', () => {
  for (const { title, targets } of panels)
    it(`${title}: queries existing metrics`, () => {
      const names = targets.flatMap(({ expr }) => expr.match(/\bkata_\w+/g) ?? []);
      assert.ok(names.length > 0);
      assert.deepEqual(names.filter((name) => !seriesNames().includes(name)), []); // prettier-ignore
    });
});

describe('docs/metrics.md', () => {
  it('lists exactly the existing metrics', () => {
    const documented = [...document.matchAll(/^\| `(kata_\w+)`/gm)].map(([, name]) => name);
    assert.deepEqual(documented.toSorted(), seriesNames().toSorted());
  });
});
