import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';

/**
 * What may be told of anything thrown. Node's errors of system calls say `ENOENT: no such file or directory, open '/x'`: dockerd takes
 * such a sentence for one about the command that the container was to run, and changes the exit code.
 */
export function tellable(thrown: unknown): unknown {
  const [, name, call] = (thrown instanceof Error && /^([A-Z][A-Z0-9]+): [^,]+, (.+)$/s.exec(thrown.message)) || [];
  return name !== undefined && name === errorCode(thrown) ? new KataError(`${call} failed (${name})`) : thrown;
}
