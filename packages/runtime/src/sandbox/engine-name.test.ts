import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ContainerRecord } from '../state/state.ts';
import { engineName } from './engine-name.ts';

describe('engineName', () => {
  let directory: string;
  beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'kata-test-'))));
  afterEach(() => rmSync(directory, { recursive: true }));

  function record(spec: object, shim = process.pid): ContainerRecord {
    const rest = { ociVersion: '1.0.2', process: { args: ['true'], cwd: '/' }, root: { path: 'rootfs' }, linux: { namespaces: [] } };
    mkdirSync(join(directory, 'rootfs'), { recursive: true });
    writeFileSync(join(directory, 'config.json'), JSON.stringify({ ...rest, ...spec }));
    return { BundlePath: directory, Process: { Shim: { pid: shim } } } as ContainerRecord;
  }
  const docker = (): object => ({ mounts: [{ destination: '/etc/hostname', type: 'bind', source: join(directory, 'hostname') }] });

  for (const annotation of ['io.kubernetes.cri.sandbox-name', 'io.kubernetes.cri-o.KubeName', 'nerdctl/name'])
    it(`reads the annotation ${annotation}`, () => assert.equal(engineName('a', record({ annotations: { [annotation]: 'web' } })), 'web'));
  it("reads docker's file", () => {
    writeFileSync(join(directory, 'config.v2.json'), '{"ID":"a","Name":"/web"}');
    assert.equal(engineName('a', record(docker())), 'web');
  });
  it('ignores the file of another container, as --network container: shares it', () => {
    writeFileSync(join(directory, 'config.v2.json'), '{"ID":"b","Name":"/web"}');
    assert.equal(engineName('a', record(docker())), undefined);
  });
  it("reads conmon's argument", async () => {
    const conmon = join(directory, 'conmon');
    copyFileSync('/bin/sh', conmon);
    const child = spawn(conmon, ['-c', 'sleep 1000 & echo $!; read -r line; kill $!', 'sh', '-n', 'web'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [shim] = (await once(child.stdout, 'data')) as [Buffer];
    try {
      assert.equal(engineName('a', record({}, Number(shim))), 'web');
    } finally {
      child.stdin.end('\n');
      await once(child, 'exit');
    }
  });
  it('replaces control characters, which would change the terminal', () =>
    assert.equal(engineName('a', record({ annotations: { 'nerdctl/name': 'a\x1b[2Jb' } })), 'a?[2Jb'));
  it('is undefined for other engines, and for a bundle that is gone', () => {
    assert.equal(engineName('a', record({})), undefined);
    const gone = record({});
    rmSync(join(directory, 'config.json'));
    assert.equal(engineName('a', gone), undefined);
  });
});
