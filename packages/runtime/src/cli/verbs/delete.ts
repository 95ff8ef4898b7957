import { UsageError } from '@kata-containers/common/errors/kata-error';
import type { Tools } from '../../context/context.ts';
import { findSandbox } from '../../state/state-store.ts';
import { findId } from '../input/find-id.ts';
import type { Verb } from '../input/verb.ts';

/** containerd deletes each container twice, the second time with --force: the second call only finds that the container does not exist. */
async function deleteOne(id: string, force: boolean, tools: Pick<Tools, 'log' | 'trace'>): Promise<void> {
  if (force && findSandbox(id) === undefined) return;
  const { deleteContainer } = await import('../../sandbox/delete-container.ts');
  const { linuxKernel } = await import('@kata-containers/common/kernel/linux-kernel');
  await deleteContainer({ ...tools, kernel: linuxKernel }, id, force);
}

export const deleteVerb: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id...]', 'containers to delete')
      .option('-f, --force', 'kill the container first if it runs; ignore a missing container'),
  async run({ args, options, log, trace, isFromEngine }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    for (const id of args) await deleteOne(findId(id, { isFromEngine }), options['force'] === true, { log, trace });
    return 0;
  },
};
