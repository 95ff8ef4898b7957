/** From the message's seccomp profile to config.json's. Pure. */
import type { LinuxSeccomp, LinuxSeccompArg } from '@kata-containers/common/generated/oci';
import type { Seccomp, SeccompArgument } from '@kata-containers/common/oci/spec';

const argument = ({ Index, Value, ValueTwo, Op }: LinuxSeccompArg): SeccompArgument => ({
  index: Number(Index),
  value: Value,
  valueTwo: ValueTwo,
  op: Op,
});

export function seccompConfig(message: LinuxSeccomp): Seccomp {
  return {
    defaultAction: message.DefaultAction,
    ...(message.Architectures.length > 0 && { architectures: message.Architectures }),
    syscalls: message.Syscalls.map(({ Names, Action, Args }) => ({
      names: Names,
      action: Action,
      ...(Args.length > 0 && { args: Args.map(argument) }),
    })),
  };
}
