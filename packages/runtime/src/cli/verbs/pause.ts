import { pauseContainer } from '../../sandbox/pause-container.ts';
import { findId } from '../input/find-id.ts';
import type { Verb } from '../input/verb.ts';

export const pause: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  async run({ args }) {
    await pauseContainer(findId(args[0]));
    return 0;
  },
};
