/** kata-ksm-throttler as a process on a directory that plays /sys/kernel/mm/ksm. */
import assert from 'node:assert/strict';
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { KSMThrottlerDefinition } from '../../packages/common/src/generated/ksm.ts';
import { grpcService } from '../../packages/common/src/grpc/service.ts';
import { Component, Scratch, until } from './process.ts';

const KSMThrottlerClient = makeGenericClientConstructor(grpcService(KSMThrottlerDefinition), 'KSMThrottler');
const BUNDLE = 'ksm-throttler/dist/kata-ksm-throttler.cjs';

describe('kata-ksm-throttler', function () {
  this.timeout(30_000);
  let scratch: Scratch;
  let daemon: Component | undefined;
  beforeEach(() => {
    scratch = new Scratch();
    mkdirSync(scratch.file('ksm'));
    for (const [name, value] of Object.entries({ run: '0', pages_to_scan: '100', sleep_millisecs: '20' }))
      writeFileSync(scratch.file(`ksm/${name}`), value);
  });
  afterEach(async () => {
    await daemon?.kill();
    scratch.remove();
  });
  const value = (name: string): string => readFileSync(scratch.file(`ksm/${name}`), 'latin1');
  async function start(): Promise<Component> {
    const process = new Component(BUNDLE, [
      '-log',
      'info',
      '-uri',
      scratch.file('d/ksm.sock'),
      '-ksm',
      scratch.file('ksm'),
      '-root',
      scratch.file('vc'),
    ]);
    daemon = process;
    await until('the daemon announces itself', () => process.stderr.includes('announce'));
    return process;
  }
  const kick = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const client = new KSMThrottlerClient(`unix://${scratch.file('d/ksm.sock')}`, credentials.createInsecure());
      client['kick']?.({}, (error: Error | null) => {
        client.close();
        if (error) reject(error);
        else resolve();
      });
    });

  it('a kick merges hard; SIGTERM puts everything back and leaves no saved values', async () => {
    const process = await start();
    await kick();
    assert.deepEqual([value('run'), value('sleep_millisecs')], ['1', '1']);
    process.child.kill('SIGTERM');
    assert.equal((await process.exited).code, 0);
    assert.deepEqual([value('run'), value('pages_to_scan'), value('sleep_millisecs')], ['0', '100', '20']);
    assert.equal(existsSync(scratch.file('d/ksm.sock.initial')), false);
  });

  it('a new sandbox is a kick, also when the directories come later', async () => {
    await start();
    mkdirSync(scratch.file('vc/sbs'), { recursive: true });
    mkdirSync(join(scratch.file('vc/sbs'), 'sandbox'));
    await until('merging runs hard', () => value('sleep_millisecs') === '1');
  });

  it('after kill -9 the next daemon still knows the values of the host', async () => {
    const first = await start();
    await kick();
    await first.kill();
    assert.equal(value('run'), '1');
    const second = await start();
    second.child.kill('SIGTERM');
    await second.exited;
    assert.deepEqual([value('run'), value('pages_to_scan'), value('sleep_millisecs')], ['0', '100', '20']);
  });

  it('the socket is not for everybody', async () => {
    await start();
    assert.equal(statSync(scratch.file('d/ksm.sock')).mode & 0o777, 0o660);
  });

  it('without KSM it says so and ends with 1', async () => {
    daemon = new Component(BUNDLE, ['-uri', scratch.file('ksm.sock'), '-ksm', '/nowhere']);
    assert.equal((await daemon.exited).code, 1);
    assert.match(daemon.stderr, /KSM is unavailable: \/nowhere\/run/);
  });

  it('-version', async () => {
    daemon = new Component(BUNDLE, ['-version']);
    await daemon.exited;
    assert.match(daemon.stdout.toString(), /^kata-ksm-throttler version \S+\n$/);
  });
});
