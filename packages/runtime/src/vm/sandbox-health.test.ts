import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { AgentError } from '@kata-containers/common/errors/kata-error';
import { GRPC } from '@kata-containers/common/grpc/status';
import { identifyProcess, processState } from '@kata-containers/common/process/process-identity';
import type { ProcessIdentity } from '@kata-containers/common/process/process-identity';
import { healthText, withHealth } from './sandbox-health.ts';

const own = identifyProcess(process.pid) as ProcessIdentity;
const ended: ProcessIdentity = { pid: process.pid, startTime: '0' };
const sandbox = (qemu: ProcessIdentity, proxy: ProcessIdentity): Parameters<typeof healthText>[0] => ({
  SandboxContainer: 's1',
  HypervisorState: { Process: qemu, UUID: '', Accelerator: 'tcg' },
  AgentState: { Proxy: proxy, URL: 'unix:///run/vc/sbs/s1/proxy.sock' },
});
const rest = "logs are in /run/vc/vm/s1; 'kata-runtime delete --force s1' ends the sandbox";

describe('the health of a sandbox', () => {
  it('reports running and ended processes', () =>
    assert.equal(
      healthText(sandbox(own, ended)),
      `QEMU (pid ${process.pid}) is running, kata-proxy (pid ${process.pid}) has ended; ${rest}`,
    ));

  it('reports a stopped process', async () => {
    const child = spawn('sleep', ['1000']);
    const identity = identifyProcess(child.pid ?? 0) as ProcessIdentity;
    try {
      child.kill('SIGSTOP');
      while (processState(identity) === 'running') await new Promise(setImmediate);
      assert.ok(healthText(sandbox(identity, own)).startsWith(`QEMU (pid ${identity.pid}) is stopped (SIGSTOP), `));
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  });

  for (const [name, code] of [
    ['unavailable', GRPC.unavailable],
    ['deadline', GRPC.deadlineExceeded],
  ] as const)
    it(`is appended to a timeout error: ${name}`, () => {
      const error = withHealth(new AgentError(code, 'silence'), sandbox(own, own)) as AgentError;
      assert.deepEqual([error.grpcCode, error.message.startsWith('silence: QEMU (pid ')], [code, true]);
    });
  it('is not appended to an error text of the guest', () => {
    const error = new AgentError(GRPC.unknown, 'no such process');
    assert.equal(withHealth(error, sandbox(own, own)), error);
  });
});
