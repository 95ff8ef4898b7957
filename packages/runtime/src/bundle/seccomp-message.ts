/** A seccomp profile in the message's words, which have none for flags, `errnoRet` and listeners. Pure. */
import { LinuxSeccomp } from '@kata-containers/common/generated/oci';
import type { Seccomp } from '@kata-containers/common/oci/spec';

export function seccompMessage({ defaultAction, architectures = [], syscalls = [] }: Seccomp): LinuxSeccomp {
  return LinuxSeccomp.fromPartial({
    DefaultAction: defaultAction,
    Architectures: architectures,
    Syscalls: syscalls.map(({ names, action, args }) => ({
      Names: names,
      Action: action,
      Args: (args ?? []).map(({ index, value, valueTwo, op }) => ({
        Index: BigInt(index),
        Value: BigInt(value),
        ValueTwo: BigInt(valueTwo ?? 0),
        Op: op,
      })),
    })),
  });
}
