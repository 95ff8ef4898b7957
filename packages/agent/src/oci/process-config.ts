/** Converts a process message to config.json's process. Pure. */
import type { LinuxCapabilities, Process as ProcessMessage, User as UserMessage } from '@kata-containers/common/generated/oci';
import type { Capabilities, Process, User } from '@kata-containers/common/oci/spec';

const capabilities = (message: LinuxCapabilities): Capabilities => ({
  bounding: message.Bounding,
  effective: message.Effective,
  inheritable: message.Inheritable,
  permitted: message.Permitted,
  ambient: message.Ambient,
});

/** crun's umask is 0022 unless the process has its own. */
const user = (message: UserMessage | undefined): User => ({
  uid: message?.UID ?? 0,
  gid: message?.GID ?? 0,
  additionalGids: message?.AdditionalGids ?? [],
  ...(message?.Umask[0] !== undefined && { umask: message.Umask[0] }),
});

/** The first process of a container. */
export function processConfig(message: ProcessMessage): Process {
  const { User, Capabilities, ConsoleSize } = message;
  return {
    terminal: message.Terminal,
    ...(ConsoleSize && ConsoleSize.Height > 0 && { consoleSize: { height: ConsoleSize.Height, width: ConsoleSize.Width } }),
    user: user(User),
    args: message.Args,
    env: message.Env,
    cwd: message.Cwd === '' ? '/' : message.Cwd,
    ...(Capabilities && { capabilities: capabilities(Capabilities) }),
    rlimits: message.Rlimits.map(({ Type, Hard, Soft }) => ({ type: Type, hard: Hard, soft: Soft })),
    noNewPrivileges: message.NoNewPrivileges,
    oomScoreAdj: Number(message.OOMScoreAdj),
  };
}

/**
 * A further process of a container. 1.x's runtime sends neither capabilities nor limits of the process: the process gets those of the
 * container, so that it never has more privileges than the container.
 */
export function execConfig(message: ProcessMessage, container: Process | undefined): Process {
  const own = processConfig(message);
  if (!container) return own;
  const { rlimits = [], oomScoreAdj } = own;
  const inherited = own.capabilities ?? container.capabilities;
  return {
    ...own,
    ...(inherited && { capabilities: inherited }),
    rlimits: rlimits.length > 0 ? rlimits : (container.rlimits ?? []),
    noNewPrivileges: (own.noNewPrivileges ?? false) || (container.noNewPrivileges ?? false),
    oomScoreAdj: oomScoreAdj === 0 ? (container.oomScoreAdj ?? 0) : (oomScoreAdj ?? 0),
  };
}
