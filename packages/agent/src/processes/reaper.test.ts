import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { Reaper } from './reaper.ts';

/** A kernel whose children end in the order given. */
function children(ended: [pid: number, status: number][]): ConstructorParameters<typeof Reaper>[0] {
  return {
    ...linuxKernel,
    peekExited: () => ended[0]?.[0],
    reap: (pid) => {
      const [first] = ended;
      if (first?.[0] !== pid) return undefined;
      ended.shift();
      return first[1];
    },
  };
}

describe('Reaper', () => {
  const listeners = (): number => process.listenerCount('SIGCHLD');
  let before = 0;
  beforeEach(() => (before = listeners()));
  afterEach(() => {
    while (listeners() > before) process.removeListener('SIGCHLD', process.listeners('SIGCHLD').at(-1) as NodeJS.SignalsListener);
  });
  const sigchld = (): boolean => process.emit('SIGCHLD', 'SIGCHLD');

  it('reports the status of an adopted process', async () => {
    const ended: [number, number][] = [];
    const reaper = new Reaper(children(ended), {});
    reaper.start();
    const { pid, exited } = await reaper.adopt(() => Promise.resolve(70));
    ended.push([70, 7]);
    sigchld();
    assert.deepEqual([pid, await exited], [70, 7]);
  });

  it('remembers the status of a process that ended before its pid was known', async () => {
    const ended: [number, number][] = [[71, 137]];
    const reaper = new Reaper(children(ended), {});
    reaper.start();
    const { exited } = await reaper.adopt(async () => {
      sigchld();
      await Promise.resolve();
      return 71;
    });
    assert.equal(await exited, 137);
  });

  it('forgets processes without a waiting caller', async () => {
    const ended: [number, number][] = [[72, 1]];
    const reaper = new Reaper(children(ended), {});
    reaper.start();
    sigchld();
    assert.deepEqual(ended, []);
    let settled = false;
    const { exited } = await reaper.adopt(() => Promise.resolve(72));
    exited.then(() => (settled = true)).catch(() => {});
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(settled, false);
  });

  it('reports the status of a program that it runs', async () => {
    const reaper = new Reaper(linuxKernel, {});
    reaper.start();
    const nothing = openSync('/dev/null', 'r+');
    const programs = ['exit 3', 'kill -9 $$'].map((script) => reaper.run('sh', ['-c', script], [nothing, nothing, nothing]));
    closeSync(nothing);
    assert.deepEqual(await Promise.all(programs.map(({ exited }) => exited)), [3, 137]);
  });

  it('kills a program that it runs, and no other process once that has ended', async () => {
    const killed: number[] = [];
    const kill = (pid: number, signal: number): void => {
      killed.push(pid);
      linuxKernel.kill(pid, signal);
    };
    const reaper = new Reaper({ ...linuxKernel, kill }, {});
    reaper.start();
    const nothing = openSync('/dev/null', 'r+');
    const program = reaper.run('sleep', ['1000'], [nothing, nothing, nothing]);
    closeSync(nothing);
    program.kill();
    assert.equal(await program.exited, 137);
    program.kill();
    assert.deepEqual(killed, [program.pid]);
  });

  it("leaves Node's own children to Node", async () => {
    const reaper = new Reaper({ ...linuxKernel, peekExited: () => undefined, reap: () => assert.fail('not ours to reap') }, {});
    reaper.start();
    const child = reaper.spawn('sh', ['-c', 'exit 3'], { stdio: 'ignore' });
    assert.equal(await new Promise((resolve) => child.once('exit', resolve)), 3);
  });
});
