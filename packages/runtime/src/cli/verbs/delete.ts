import { UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { deleteContainer } from '../../sandbox/delete-container.ts';
import { findId } from '../find-id.ts';
import type { Verb } from '../verb.ts';

export const deleteVerb: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id...]', 'containers to delete')
      .option('-f, --force', 'end the container first if it runs; a missing one is fine'),
  async run({ args, options, log }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    for (const id of args) await deleteContainer({ log, kernel: linuxKernel }, findId(id), options['force'] === true);
    return 0;
  },
};
