import assert from 'node:assert/strict';
import { seccompMessage } from './seccomp-message.ts';

describe('seccompMessage', () => {
  it('a profile', () => {
    const args = [{ index: 1, value: 2, valueTwo: 18446744073709551615n, op: 'SCMP_CMP_MASKED_EQ' }];
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      architectures: ['SCMP_ARCH_X86_64'],
      syscalls: [{ names: ['clone'], action: 'SCMP_ACT_ALLOW', args }],
    };
    assert.deepEqual(seccompMessage(profile), {
      DefaultAction: 'SCMP_ACT_ERRNO',
      Architectures: ['SCMP_ARCH_X86_64'],
      Syscalls: [
        {
          Names: ['clone'],
          Action: 'SCMP_ACT_ALLOW',
          Args: [{ Index: 1n, Value: 2n, ValueTwo: 18446744073709551615n, Op: 'SCMP_CMP_MASKED_EQ' }],
        },
      ],
    });
  });
  it('an action alone', () =>
    assert.deepEqual(seccompMessage({ defaultAction: 'SCMP_ACT_ALLOW' }), {
      DefaultAction: 'SCMP_ACT_ALLOW',
      Architectures: [],
      Syscalls: [],
    }));
});
