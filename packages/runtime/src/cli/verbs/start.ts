import { UsageError } from '@kata-containers/common/errors/kata-error';
import { startContainer } from '../../sandbox/start-container.ts';
import { findId } from '../input/find-id.ts';
import type { Verb } from '../input/verb.ts';

export const start: Verb = {
  describe: (command) => void command.argument('[container-id...]', 'containers to start'),
  async run({ args, context, isFromEngine }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    for (const id of args) await startContainer(await context(), findId(id, { isFromEngine }));
    return 0;
  },
};
