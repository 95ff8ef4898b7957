import assert from 'node:assert/strict';
import { parse } from 'smol-toml';
import { isOnlyVersion, withHandler, withoutHandler } from './containerd-config.ts';

const V2 = `version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n\n[plugins."io.containerd.grpc.v1.cri"]\n  sandbox_image = "pause"\n`;
const V3 = `version = 3\n[plugins.'io.containerd.cri.v1.runtime']\n  max_container_log_line_size = 1\n`;

interface Parsed {
  readonly plugins: Readonly<Record<string, { readonly containerd: { readonly runtimes: Readonly<Record<string, unknown>> } }>>;
}
const runtimesIn = (text: string, plugin: string): unknown => (parse(text) as unknown as Parsed).plugins[plugin]?.containerd.runtimes;
const handler = {
  kata: {
    runtime_type: 'io.containerd.runc.v2',
    pod_annotations: ['io.katacontainers.*'],
    options: { BinaryName: '/opt/kata/bin/kata-runtime' },
  },
};

describe("the handler in containerd's configuration", () => {
  for (const [name, text, plugin] of [
    ['version 2', V2, 'io.containerd.grpc.v1.cri'],
    ['version 3', V3, 'io.containerd.cri.v1.runtime'],
  ] as const) {
    it(`is added to a file of ${name}, once, and removed without a trace`, () => {
      const once = withHandler(text, 1);
      assert.deepEqual(runtimesIn(once, plugin), handler);
      assert.ok(once.startsWith(text));
      assert.equal(withHandler(once, 1), once);
      assert.equal(withoutHandler(once), text);
    });
    it(`keeps text that was appended to a file of ${name} later`, () => {
      const later = `${withHandler(text, 1)}\n[debug]\nlevel = "debug"\n`;
      assert.equal(withoutHandler(later), `${text}\n[debug]\nlevel = "debug"\n`);
      assert.deepEqual(runtimesIn(withHandler(later, 1), plugin), handler);
    });
  }

  for (const [major, plugin] of [
    [1, 'io.containerd.grpc.v1.cri'],
    [2, 'io.containerd.cri.v1.runtime'],
  ] as const)
    it(`makes the file for containerd ${major}`, () => {
      const made = withHandler(undefined, major);
      assert.deepEqual(runtimesIn(made, plugin), handler);
      assert.ok(isOnlyVersion(withoutHandler(made)));
    });
  it('a file with other keys than a version is kept', () => assert.ok(!isOnlyVersion(V2)));

  const refused: [name: string, text: string, error: RegExp][] = [
    ['version 1', '[plugins.cri]\n', /version 1, .*containerd config migrate/],
    ['an unknown version', 'version = 9\n', /version 9/],
    ['another handler `kata`', `${V2}[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.kata]\n`, /remove it first/],
    ['no TOML', 'version = \n', /TOML/],
  ];
  for (const [name, text, error] of refused) it(`refuses a file with ${name}`, () => assert.throws(() => withHandler(text, 1), error));
});
