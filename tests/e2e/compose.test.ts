/** docker-compose: services that resolve each other's names, share a network, and are scaled and replaced. The same file with runc. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Engine } from '../support/engine.ts';
import { leftovers } from '../support/leftovers.ts';
import { good, run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { kataRuntime } from '../support/staged.ts';
import { until } from '../support/until.ts';

/** `proxy` passes requests on, and looks the name of the backend up for each. */
const FILE = `
version: "2.4"
services:
  web:
    image: busybox
    command: ["sh", "-c", "mkdir /www; hostname -i >/www/index.html; exec httpd -f -p 80 -h /www"]
    stop_signal: SIGKILL
    networks: { default: { aliases: [backend] } }
  proxy:
    image: busybox
    command:
      - sh
      - -c
      - |
        mkdir -p /srv/cgi-bin
        printf '#!/bin/sh\\necho Content-type: text/plain\\necho\\nwget -q -O - http://backend/\\n' >/srv/cgi-bin/web
        chmod 755 /srv/cgi-bin/web
        exec httpd -f -p 8080 -h /srv
    stop_signal: SIGKILL
    ports: ["8082:8080"]
    depends_on: [web]
  side:
    image: busybox
    command: ["sleep", "1000"]
    stop_signal: SIGKILL
    network_mode: "service:proxy"
networks:
  default: { ipam: { config: [{ subnet: 10.92.0.0/24 }] } }
`;

for (const runtime of ['kata-runtime', 'runc']) {
  describe(`docker-compose with ${runtime}`, function () {
    this.timeout(180_000);
    let engine: Engine;
    before(async () => {
      assert.deepEqual(leftovers(), [], 'the machine is clean before');
      engine = await Engine.start({ 'kata-runtime': kataRuntime }, runtime);
      mkdirSync(join(engine.directory, 'shop'));
      writeFileSync(join(engine.directory, 'shop/docker-compose.yml'), FILE);
      await compose('up', '-d');
    });
    after(async () => {
      await engine.stop();
      assert.deepEqual(leftovers(), [], 'the machine is clean afterwards');
    });

    const compose = (...args: string[]): Promise<string> =>
      good(run('docker-compose', ['-f', join(engine.directory, 'shop/docker-compose.yml'), ...args], {}, engine.environment));
    const inside = (service: string, ...args: string[]): Promise<string> => compose('exec', '-T', service, ...args);
    /** Sorted addresses of a name, as a service sees them. */
    async function addresses(service: string, name: string): Promise<string[]> {
      const text = await inside(service, 'sh', '-c', `nslookup -type=a ${name} || true`);
      return [...text.matchAll(/^Address: (10\.92\.0\.\d+)$/gm)].map(([, address = '']) => address).sort();
    }
    const published = (): Promise<Outcome> =>
      engine.inNetwork('/bin/busybox', ['wget', '-q', '-O', '-', 'http://127.0.0.1:8082/cgi-bin/web']);
    const page = async (): Promise<string> => (await published()).stdout.trim();
    /** Ids of the containers of a service. Their names differ between the versions of compose. */
    const containersOf = async (service: string): Promise<string[]> =>
      (await good(engine.docker(['ps', '-q', '--filter', `label=com.docker.compose.service=${service}`]))).split('\n').filter(Boolean);
    /** Sorted addresses of the containers of a service. */
    async function addressesOf(service: string): Promise<string[]> {
      const each = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
      return (await good(engine.docker(['inspect', '-f', each, ...(await containersOf(service))]))).trim().split('\n').sort();
    }

    it('services find each other by name', async () => {
      for (const [service, name] of [
        ['proxy', 'web'],
        ['side', 'web'],
        ['web', 'proxy'],
      ] as const)
        assert.deepEqual(await addresses(service, name), await addressesOf(name));
    });
    it('a service shares the network of another service', async () => {
      assert.equal(await inside('side', 'hostname', '-i'), await inside('proxy', 'hostname', '-i'));
      const seen = await inside('side', 'wget', '-q', '-O', '-', 'http://127.0.0.1:8080/cgi-bin/web');
      assert.deepEqual([seen.trim()], await addressesOf('web'));
    });
    it('the published port of the proxy answers for the backend', async () => {
      const [web] = await addressesOf('web');
      await until('the page', async () => (await page()) === web);
    });
    it('a name has one address for each container of its service, as the service is scaled up and down', async () => {
      await compose('up', '-d', '--scale', 'web=3');
      const three = await addressesOf('web');
      assert.equal(three.length, 3);
      assert.deepEqual(await addresses('side', 'web'), three);
      await compose('up', '-d', '--scale', 'web=1');
      const one = await addressesOf('web');
      assert.equal(one.length, 1);
      assert.deepEqual(await addresses('side', 'web'), one);
    });
    it('the name of a replaced backend resolves to its new address', async () => {
      const [before = ''] = await addressesOf('web');
      await good(engine.docker(['rm', '-f', ...(await containersOf('web'))]));
      await good(engine.docker(['run', '-d', '--name', 'taker', '--network', 'shop_default', '--ip', before, 'busybox', 'sleep', '1000']));
      await compose('up', '-d');
      const [now] = await addressesOf('web');
      assert.notEqual(now, before);
      await until('the page of the new backend', async () => (await page()) === now);
      await good(engine.docker(['rm', '-f', 'taker']));
    });
    it('all services can be restarted, and the service that shares a network alone', async () => {
      for (const services of [[], ['side']]) {
        await compose('restart', '-t', '0', ...services);
        const [web] = await addressesOf('web');
        await until('the page', async () => (await page()) === web);
      }
      assert.deepEqual(await addresses('side', 'web'), await addressesOf('web'));
    });
    it('dockerd is restarted with live-restore: the services continue, and find a backend that is replaced afterwards', async () => {
      await engine.restart('--live-restore'); // so that it finds the containers when it is restarted
      await compose('start');
      const boots = async (): Promise<string[]> => {
        const ids: string[] = [];
        for (const service of ['web', 'proxy', 'side']) ids.push(await inside(service, 'cat', '/proc/sys/kernel/random/boot_id'));
        return ids;
      };
      const before = [await boots(), await containersOf('proxy')];
      await engine.restart('--live-restore');
      assert.deepEqual([await boots(), await containersOf('proxy')], before);
      const [web] = await addressesOf('web');
      await until('the page', async () => (await page()) === web);
      await compose('up', '-d', '--scale', 'web=2');
      assert.deepEqual(await addresses('side', 'web'), await addressesOf('web'));
      assert.equal((await addresses('side', 'web')).length, 2);
    });
    it('down leaves nothing behind', async () => {
      await compose('down', '-t', '0');
      assert.equal(await good(engine.docker(['ps', '-aq'])), '');
      assert.doesNotMatch(await good(engine.docker(['network', 'ls'])), /shop/);
      assert.deepEqual(leftovers(), []);
    });
  });
}
