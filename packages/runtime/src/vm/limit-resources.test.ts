import assert from 'node:assert/strict';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { createLogger } from '@kata-containers/common/logging/logger';
import { limitResources } from './limit-resources.ts';

describe('limitResources', () => {
  /** @returns the log on a kernel that refuses the call */
  function refused(user: number | undefined): string {
    const { kernel } = recordingKernel({
      limitResources: () => {
        throw new Error('prlimit failed (EPERM)');
      },
    });
    let text = '';
    const log = createLogger({ format: 'text', level: 'warn', write: (line) => (text += line), precision: 'seconds' });
    limitResources(7, user, { kernel, log });
    return text;
  }

  it('limits the process', () => {
    const { kernel, calls } = recordingKernel();
    limitResources(7, undefined, { kernel, log: undefined as never });
    assert.deepEqual(calls, [['limitResources', 7]]);
  });
  it('fails for a QEMU that is root, and names the setting', () =>
    assert.throws(() => refused(undefined), {
      message: /\(prlimit failed \(EPERM\)\); set qemu_own_root = false in \[hypervisor\.qemu\] /,
    }));
  it('logs a warning for a QEMU of another user', () =>
    assert.match(
      refused(0x7100_0001),
      /level=warning msg="QEMU has no limits of core dumps, timers, queued signals and message queues" reason="prlimit failed \(EPERM\)"/,
    ));
});
