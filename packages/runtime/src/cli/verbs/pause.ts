import { pauseContainer } from '../../sandbox/pause-container.ts';
import { validateId } from '../../sandbox/validate-id.ts';
import type { Verb } from '../verb.ts';

export const pause: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  async run({ args }) {
    await pauseContainer(validateId(args[0]));
    return 0;
  },
};
