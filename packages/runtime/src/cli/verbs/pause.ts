import { pauseContainer } from '../../sandbox/pause-container.ts';
import { findId } from '../input/find-id.ts';
import type { Verb } from '../input/verb.ts';

export const pause: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  async run({ args, isFromEngine }) {
    await pauseContainer(findId(args[0], { isFromEngine }));
    return 0;
  },
};
