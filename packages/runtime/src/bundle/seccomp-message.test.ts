import assert from 'node:assert/strict';
import { seccompMessage } from './seccomp-message.ts';

describe('seccompMessage', () => {
  it('converts a profile', () => {
    const args = [{ index: 1, value: 2, valueTwo: 18446744073709551615n, op: 'SCMP_CMP_MASKED_EQ' }];
    const profile = {
      defaultAction: 'SCMP_ACT_ERRNO',
      defaultErrnoRet: 38,
      architectures: ['SCMP_ARCH_X86_64'],
      flags: ['SECCOMP_FILTER_FLAG_LOG'],
      syscalls: [
        { names: ['clone'], action: 'SCMP_ACT_ALLOW', args },
        { names: ['sync'], action: 'SCMP_ACT_ERRNO', errnoRet: 0 },
      ],
    };
    assert.deepEqual(seccompMessage(profile), {
      DefaultAction: 'SCMP_ACT_ERRNO',
      DefaultErrnoRet: [38],
      Architectures: ['SCMP_ARCH_X86_64'],
      Flags: ['SECCOMP_FILTER_FLAG_LOG'],
      Syscalls: [
        {
          Names: ['clone'],
          Action: 'SCMP_ACT_ALLOW',
          ErrnoRet: [],
          Args: [{ Index: 1n, Value: 2n, ValueTwo: 18446744073709551615n, Op: 'SCMP_CMP_MASKED_EQ' }],
        },
        { Names: ['sync'], Action: 'SCMP_ACT_ERRNO', ErrnoRet: [0], Args: [] },
      ],
    });
  });
  it('converts a profile with only a default action', () =>
    assert.deepEqual(seccompMessage({ defaultAction: 'SCMP_ACT_ALLOW' }), {
      DefaultAction: 'SCMP_ACT_ALLOW',
      DefaultErrnoRet: [],
      Architectures: [],
      Flags: [],
      Syscalls: [],
    }));
});
