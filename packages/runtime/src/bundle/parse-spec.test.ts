import assert from 'node:assert/strict';
import { parseSpec } from './parse-spec.ts';

const spec = (changes: object): string =>
  JSON.stringify({ ociVersion: '1.0.2', process: { args: ['true'], cwd: '/' }, root: { path: 'rootfs' }, ...changes });

describe('parseSpec', () => {
  it('null says what a missing field says', () => {
    const { hooks, linux, mounts, process } = parseSpec(
      spec({
        hooks: null,
        mounts: null,
        linux: { devices: null, namespaces: null, resources: { devices: null } },
        process: { args: ['true'], cwd: '/', rlimits: null, capabilities: null, env: null },
      }),
    );
    assert.deepEqual([hooks, mounts, linux], [undefined, undefined, { resources: {} }]);
    assert.deepEqual(process, { args: ['true'], cwd: '/' });
  });
  it('linux may be null', () => assert.equal(parseSpec(spec({ linux: null })).linux, undefined));
  it('what is demanded is not there when it is null', () => assert.throws(() => parseSpec(spec({ root: null })), /root.path/));
});
