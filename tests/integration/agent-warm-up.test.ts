/**
 * The guest of a VM template has called the agent's functions before it is saved. Otherwise each clone would decode their bytecode and
 * make their tables, and QEMU would translate the code of the engine that does this.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import type { AgentConnection } from '../../packages/common/src/agent-api/agent-connection.ts';
import { agentSpec } from '../../packages/runtime/src/bundle/agent-spec.ts';
import { interfaceRequest, routesRequest } from '../../packages/runtime/src/agent/sandbox-requests.ts';
import { reseedClone } from '../../packages/runtime/src/factory/templates/reseed-clone.ts';
import { spareMac } from '../../packages/runtime/src/factory/templates/spare-link-plan.ts';
import { warmUp } from '../../packages/runtime/src/factory/templates/warm-up.ts';
import type { Context } from '../../packages/runtime/src/context/context.ts';
import { AgentOnHost } from './agent-on-host.ts';
import { Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

/** Tolerance: a few functions depend on the order of events. */
const MOST = 8;

const engineSpec = {
  ociVersion: '1.0.2',
  hostname: 'f126e412307a',
  process: {
    user: { uid: 0, gid: 0, additionalGids: [0] },
    args: ['true'],
    env: ['PATH=/bin', 'HOSTNAME=f126e412307a'],
    cwd: '/',
    capabilities: { bounding: ['CAP_CHOWN'], effective: ['CAP_CHOWN'], permitted: ['CAP_CHOWN'] },
    oomScoreAdj: 0,
  },
  linux: {
    sysctl: { 'net.ipv4.ip_unprivileged_port_start': '0', 'net.ipv4.ping_group_range': '0 2147483647' },
    resources: { devices: [{ allow: false, access: 'rwm' }], memory: { disableOOMKiller: false }, cpu: { shares: 0 } },
    namespaces: ['mount', 'network', 'uts', 'pid', 'ipc'].map((type) => ({ type })),
  },
};

const mounts = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=65536k'] },
  { destination: '/etc/hosts', type: 'bind', source: '/etc/hosts', options: ['rbind', 'rprivate'] },
];

/** The host's kernel may have no 9p. */
const withoutShare = (agent: AgentConnection): AgentConnection =>
  ({
    call: (name: string, request: { storages?: { driver: string }[] }, limits?: object) => {
      const storages = request.storages?.filter(({ driver }) => driver !== '9p');
      return (agent.call as (...args: unknown[]) => unknown)(name, storages ? { ...request, storages } : request, limits);
    },
    close: () => agent.close(),
  }) as unknown as AgentConnection;

const ipv6 = { isDisabled: false, disabledOf: [], acceptsAdvertisements: false };
const link = { name: 'eth0', kind: 'veth', mac: spareMac(0), mtu: 1500, txQueueLength: 0, noArp: false, ipv6 };

describe('kata-agent, warmed up as in a VM template', function () {
  this.timeout(60_000);
  const scratch = new Scratch();
  const log = scratch.file('functions');
  let host: AgentOnHost;
  before(async () => {
    host = await AgentOnHost.start({}, { functionLog: log });
    await host.agent.call('destroySandbox', {});
    host.inside('ip', 'link', 'set', 'eth0', 'address', spareMac(0));
    host.inside('ip', 'link', 'set', 'peer0', 'up');
  });
  after(async () => {
    await host.stop();
    scratch.remove();
  });

  /** Creates one container with the calls of an engine. */
  async function runContainer(agent: AgentConnection, id: string): Promise<void> {
    await reseedClone(agent);
    const addresses = [{ family: 'inet' as const, address: '10.9.0.2', prefixLength: 24 }];
    await agent.call('updateInterface', { interface: interfaceRequest({ ...link, addresses }) });
    const unset = { flags: 0, priority: 0, mtu: 0, type: 1 };
    const route = { family: 'inet' as const, destination: '', gateway: '10.9.0.1', device: 'eth0', source: '', scope: 0, ...unset };
    await agent.call('updateRoutes', { routes: routesRequest([route], []) });
    await agent.call('createSandbox', { hostname: id, sandbox_id: id });
    const linux = { ...engineSpec.linux, cgroupsPath: `/kata-agent-test-${process.pid}/${id}` };
    const OCI = agentSpec({ ...engineSpec, linux }, { rootPath: host.rootfs, mounts, seccomp: false });
    await agent.call('createContainer', { container_id: id, exec_id: id, OCI });
    await agent.call('startContainer', { container_id: id });
    await Promise.all([host.output(id, id), host.output(id, id, 'readStderr')]);
    assert.equal(await host.wait(id, id), 0);
    await agent.call('destroySandbox', {});
  }

  /** Names of the functions that were called for the first time, from an offset of the log. */
  const first = (from: number): string[] => {
    const functions = readFileSync(log)
      .subarray(from)
      .toString('latin1')
      .matchAll(/^(\S+)#\w+:\[0x/gm);
    return [...functions].map(([, name = '']) => name);
  };

  it('calls almost no function for the first time for a container', async () => {
    const configuration = { hypervisor: { shared_fs: 'virtio-9p', msize_9p: 8192 } } as Context['configuration'];
    await warmUp(async () => withoutShare(await host.connect()), { configuration }, { networks: [{ tap: '', mac: '' }] });
    host.useAgent(await host.connect());
    await until('the connection that was warmed up is closed', () => first(0).includes('unregisterChannelzRef'));
    const before = statSync(log).size;
    assert.ok(first(0).length > 300, 'the log names functions');
    await runContainer(host.agent, 'first');
    const late = first(before);
    assert.ok(late.length <= MOST, `${late.length} functions: ${late.join(' ')}`);
  });
});
