/** DestroySandbox of an agent on the host: what is done before the answer, and what after it. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { until } from '../support/until.ts';
import { AgentOnHost, refusal } from './agent-on-host.ts';

describe('kata-agent: DestroySandbox', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  before(async () => (host = await AgentOnHost.start()));
  after(() => host.stop());
  const destroy = (): Promise<unknown> => host.agent.call('destroySandbox', {});
  const directoryOf = (id: string): string => host.scratch.file(`state/libcontainer/${id}`);

  it('removes a running container before the answer', async () => {
    const id = await host.run(['sleep', '100']);
    assert.match(host.inside('pgrep', '-f', '^sleep 100'), /\d/);
    await destroy();
    assert.throws(() => host.inside('pgrep', '-f', '^sleep 100'));
    assert.equal(existsSync(directoryOf(id)), false);
  });

  it('removes a container that has ended, and the namespaces, after the answer', async () => {
    await host.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'second' });
    const id = await host.run(['true']);
    await host.wait(id, id);
    await destroy();
    assert.deepEqual(await refusal(host.agent.call('startContainer', { container_id: id })), [9, 'Sandbox not started']);
    await until('the container is removed', () => !existsSync(directoryOf(id)));
    await until('the namespaces are removed', () => !existsSync(host.scratch.file('state/sandbox-ns/uts')));
  });

  it('a CreateSandbox that follows at once waits for the removal', async () => {
    await host.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'third' });
    const id = await host.run(['true']);
    await host.wait(id, id);
    await destroy();
    await host.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'fourth' });
    assert.equal((await host.outcome(['hostname'], {}, { container_id: id })).stdout, 'guest\n');
  });

  it('a process that has outlived the first process of its container is killed before the answer', async () => {
    await destroy();
    await host.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'fifth', sandbox_pidns: true });
    const id = await host.run(['sh', '-c', 'sleep 200 & exit 0']);
    await host.wait(id, id);
    assert.match(host.inside('pgrep', '-f', '^sleep 200'), /\d/);
    await destroy();
    assert.throws(() => host.inside('pgrep', '-f', '^sleep 200'));
  });

  it('so is a process in a cgroup that the container has made', async () => {
    await host.agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'sixth', sandbox_pidns: true });
    const id = await host.run(['sh', '-c', 'sleep 300 & exit 0']);
    await host.wait(id, id);
    const nested = (controller: string): string => `/sys/fs/cgroup/${controller}/kata-agent-test-${process.pid}/${id}/nested`;
    const move = `pid=$(pgrep -f '^sleep 300') && mkdir ${nested('pids')} && echo $pid > ${nested('pids')}/cgroup.procs && echo $pid`;
    assert.match(host.inside('sh', '-c', move), /\d/);
    await destroy();
    assert.throws(() => host.inside('pgrep', '-f', '^sleep 300'));
  });
});
