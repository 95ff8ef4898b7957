/** The dashboard and the metrics must not drift apart. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { seriesNames } from '../../packages/runtime/src/cli/metrics-text.ts';

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
}
const { panels } = JSON.parse(readFileSync(join(import.meta.dirname, 'kata-containers.json'), 'utf8')) as Dashboard;
const document = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');

describe('the Grafana dashboard', () => {
  for (const { title, targets } of panels)
    it(`${title}: asks for metrics that exist`, () => {
      const names = targets.flatMap(({ expr }) => expr.match(/\bkata_\w+/g) ?? []);
      assert.ok(names.length > 0);
      assert.deepEqual(names.filter((name) => !seriesNames().includes(name)), []); // prettier-ignore
    });
});

describe('docs/metrics.md', () => {
  it('has every metric, and no other', () => {
    const documented = [...document.matchAll(/^\| `(kata_\w+)`/gm)].map(([, name]) => name);
    assert.deepEqual(documented.toSorted(), seriesNames().toSorted());
  });
});
