/**
 * nginx as a reverse proxy resolves the name of its backend again after the backend was replaced, with kata-runtime and with runc. By hand:
 * KATA_WORKLOAD_IMAGE names an archive that workload-image.sh has made.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { onCleanMachine } from '../support/on-clean-machine.ts';
import { good } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

const image = process.env['KATA_WORKLOAD_IMAGE'];
const FRONT = '10.95.0.50';
/** Emulated, on a busy machine. */
const LIMIT_MS = 600_000;
const EFFECT_MS = 60_000;

/** nginx resolves a name in a variable for each request; the answer is valid for one second. */
const CONFIGURATION = `daemon off; events {}
http { resolver 127.0.0.11 valid=1s ipv6=off;
  server { listen 80; location / { set $backend http://backend; proxy_pass $backend; } } }
`;

describe('reverse proxy', function () {
  this.timeout(LIMIT_MS);
  let engine: Engine;
  let directory = '';
  onCleanMachine(async () => {
    assert.ok(image !== undefined, 'KATA_WORKLOAD_IMAGE is not set');
    directory = mkdtempSync(join(tmpdir(), 'kata-proxy-'));
    writeFileSync(join(directory, 'nginx.conf'), CONFIGURATION);
    engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
    await good(engine.docker(['import', image, 'workloads'], { timeoutMs: LIMIT_MS }));
    await docker('network', 'create', '--subnet', '10.95.0.0/24', 'first');
    return engine;
  });
  after(() => rmSync(directory, { recursive: true }));
  afterEach(() => engine.removeAll());

  const docker = (...args: string[]): Promise<string> => good(engine.docker(args));
  const startIn = (runtime: string, name: string, ip: string, ...rest: string[]): Promise<string> =>
    docker('run', '-d', '--runtime', runtime, '--name', name, '--network', 'first', '--ip', ip, ...rest);
  const startBackend = (runtime: string, name: string, ip: string): Promise<string> => {
    const serve = `mkdir /www; echo ${name} >/www/index.html; exec httpd -f -p 80 -h /www`;
    return startIn(runtime, name, ip, '--network-alias', 'backend', 'busybox', 'sh', '-c', serve);
  };
  /** What nginx answers: a page, or its status. */
  async function page(): Promise<string> {
    const { stdout, stderr } = await engine.inNetwork('/bin/busybox', ['wget', '-q', '-O', '-', `http://${FRONT}/`]);
    return stdout.trim() || (/HTTP\/1\.1 (\d+)/.exec(stderr)?.[1] ?? '');
  }

  for (const runtime of ['runc', 'kata-runtime'])
    it(`${runtime}: every page is one of the current backend`, async () => {
      const shows = (wanted: string): Promise<void> => until(`nginx answers ${wanted}`, async () => (await page()) === wanted, EFFECT_MS);
      await startBackend(runtime, 'b1', '10.95.0.51');
      await startIn(runtime, 'front', FRONT, '-v', `${directory}/nginx.conf:/nginx.conf:ro`, 'workloads', 'nginx', '-c', '/nginx.conf');
      await shows('b1');
      await docker('rm', '-f', 'b1');
      await startIn(runtime, 'other', '10.95.0.51', 'busybox', 'sleep', '1000'); // has the address, but no server
      await shows('502');
      await startBackend(runtime, 'b2', '10.95.0.52');
      await shows('b2');
      await docker('rm', '-f', 'b2', 'other');
      await startBackend(runtime, 'b3', '10.95.0.51');
      await shows('b3');
      assert.equal(await page(), 'b3');
    });
});
