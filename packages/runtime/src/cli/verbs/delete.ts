import { UsageError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { findSandbox } from '../../state/state-store.ts';
import { findId } from '../find-id.ts';
import type { Verb } from '../verb.ts';

/** containerd deletes each container twice, the second time with --force: the second call only finds that the container does not exist. */
async function deleteOne(id: string, force: boolean, log: Logger): Promise<void> {
  if (force && findSandbox(id) === undefined) return;
  const { deleteContainer } = await import('../../sandbox/delete-container.ts');
  const { linuxKernel } = await import('@kata-containers/common/kernel/linux-kernel');
  await deleteContainer({ log, kernel: linuxKernel }, id, force);
}

export const deleteVerb: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id...]', 'containers to delete')
      .option('-f, --force', 'kill the container first if it runs; ignore a missing container'),
  async run({ args, options, log }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    for (const id of args) await deleteOne(findId(id), options['force'] === true, log);
    return 0;
  },
};
