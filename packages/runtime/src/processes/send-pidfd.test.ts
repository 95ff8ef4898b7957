import assert from 'node:assert/strict';
import { openSync } from 'node:fs';
import { recordingKernel } from '@kata-containers/common/kernel/recording-kernel';
import { sendPidfd } from './send-pidfd.ts';

describe('sendPidfd', () => {
  const shim = { identity: { pid: 7, startTime: '1' } };
  const answers = (): { openPidfd: () => number } => ({ openPidfd: () => openSync('/dev/null', 'r') });

  it('sends the pidfd with the kind of the process', () => {
    const { kernel, calls } = recordingKernel(answers());
    sendPidfd('/socket', shim as never, 'setns', kernel);
    assert.deepEqual(
      calls.map(([name, first, , text]) => [name, first, text]),
      [
        ['openPidfd', 7, undefined],
        ['sendDescriptor', '/socket', 'setns'],
      ],
    );
  });
  it('does nothing without a socket', () => {
    const { kernel, calls } = recordingKernel(answers());
    sendPidfd(undefined, shim as never, 'standard', kernel);
    assert.deepEqual(calls, []);
  });
});
