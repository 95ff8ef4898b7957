/** Converts the message's seccomp profile to config.json's. Pure. */
import type { LinuxSeccomp, LinuxSeccompArg } from '@kata-containers/common/generated/oci';
import type { Seccomp, SeccompArgument } from '@kata-containers/common/oci/spec';

/** 1.x's runtime sends no error number, and only this one makes a C library fall back to clone (docker's and containerd's profiles). */
const ENOSYS = 38;

type Syscall = LinuxSeccomp['Syscalls'][number];

function errorNumber({ Names, Action, ErrnoRet: [given] }: Syscall): { errnoRet?: number } {
  if (given !== undefined) return { errnoRet: given };
  return Action === 'SCMP_ACT_ERRNO' && Names.includes('clone3') ? { errnoRet: ENOSYS } : {};
}

const argument = ({ Index, Value, ValueTwo, Op }: LinuxSeccompArg): SeccompArgument => ({
  index: Number(Index),
  value: Value,
  valueTwo: ValueTwo,
  op: Op,
});

export function seccompConfig(message: LinuxSeccomp): Seccomp {
  return {
    defaultAction: message.DefaultAction,
    ...(message.DefaultErrnoRet[0] !== undefined && { defaultErrnoRet: message.DefaultErrnoRet[0] }),
    ...(message.Architectures.length > 0 && { architectures: message.Architectures }),
    ...(message.Flags.length > 0 && { flags: message.Flags }),
    syscalls: message.Syscalls.map((syscall) => ({
      names: syscall.Names,
      action: syscall.Action,
      ...errorNumber(syscall),
      ...(syscall.Args.length > 0 && { args: syscall.Args.map(argument) }),
    })),
  };
}
