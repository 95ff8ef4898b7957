import assert from 'node:assert/strict';
import { belongsTo } from './remove-container.ts';
import type { Undo } from './undo-journal.ts';

describe('belongsTo', () => {
  const shim = { pid: 7, startTime: '1' } as unknown as Extract<Undo, { undo: 'kill' }>['process'];
  const cases: [name: string, entry: Undo, belongs: boolean][] = [
    ['its root file system', { undo: 'unmount', path: '/share/mounts/web/rootfs' }, true],
    ['its volume', { undo: 'unmount', path: '/share/mounts/web-0123456789abcdef-data' }, true],
    ['the volume of a container with a longer id', { undo: 'unmount', path: '/share/mounts/web-2-0123456789abcdef-data' }, false],
    ['the root of a container with a longer id', { undo: 'rmdir', path: '/share/mounts/web-2' }, false],
    ['its control group', { undo: 'remove-cgroup', container: 'web', directories: [] }, true],
    ["another's control group", { undo: 'remove-cgroup', container: 'web-2', directories: [] }, false],
    ['its shim', { undo: 'kill', name: 'kata-shim', process: shim, container: 'web' }, true],
    ['the proxy', { undo: 'kill', name: 'kata-proxy', process: shim }, false],
  ];
  for (const [name, entry, belongs] of cases) it(name, () => assert.equal(belongsTo(entry, 'web'), belongs));
});
