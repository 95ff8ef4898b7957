/** Converts a seccomp profile to the message, which has no field for listeners (`unsupported-field.ts` refuses those). Pure. */
import { LinuxSeccomp } from '@kata-containers/common/generated/oci';
import type { Seccomp } from '@kata-containers/common/oci/spec';

/** Zero is an error number too: the system call is skipped and succeeds. */
const noneOrOne = (value: number | undefined): number[] => (value === undefined ? [] : [value]);

export function seccompMessage({ defaultAction, defaultErrnoRet, architectures = [], flags = [], syscalls = [] }: Seccomp): LinuxSeccomp {
  return LinuxSeccomp.fromPartial({
    DefaultAction: defaultAction,
    DefaultErrnoRet: noneOrOne(defaultErrnoRet),
    Architectures: architectures,
    Flags: flags,
    Syscalls: syscalls.map(({ names, action, errnoRet, args }) => ({
      Names: names,
      Action: action,
      ErrnoRet: noneOrOne(errnoRet),
      Args: (args ?? []).map(({ index, value, valueTwo, op }) => ({
        Index: BigInt(index),
        Value: BigInt(value),
        ValueTwo: BigInt(valueTwo ?? 0),
        Op: op,
      })),
    })),
  });
}
