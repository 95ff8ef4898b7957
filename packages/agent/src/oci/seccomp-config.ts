/** From the message's seccomp profile to config.json's. Pure. */
import type { LinuxSeccomp, LinuxSeccompArg } from '@kata-containers/common/generated/oci';
import type { Seccomp, SeccompArgument } from '@kata-containers/common/oci/spec';

/** The message carries no error number, and only with this one does a C library go on with clone (runc, containerd and docker profiles). */
const ENOSYS = 38;

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
      ...(Action === 'SCMP_ACT_ERRNO' && Names.includes('clone3') && { errnoRet: ENOSYS }),
      ...(Args.length > 0 && { args: Args.map(argument) }),
    })),
  };
}
