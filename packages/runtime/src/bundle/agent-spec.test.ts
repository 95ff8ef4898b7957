import assert from 'node:assert/strict';
import { joinsPidNamespace } from './agent-spec.ts';

describe('joinsPidNamespace', () => {
  const cases: [name: string, namespaces: { type: string; path?: string }[], joins: boolean][] = [
    ['none', [], false],
    ['one of its own', [{ type: 'pid' }], false],
    ['an empty path', [{ type: 'pid', path: '' }], false],
    ["the pod's", [{ type: 'pid', path: '/proc/7/ns/pid' }], true],
    ["the pod's network only", [{ type: 'network', path: '/proc/7/ns/net' }, { type: 'pid' }], false],
  ];
  for (const [name, namespaces, joins] of cases)
    it(name, () => assert.equal(joinsPidNamespace({ ociVersion: '1.0.2', linux: { namespaces } }), joins));
  it('no Linux', () => assert.equal(joinsPidNamespace({ ociVersion: '1.0.2' }), false));
});
