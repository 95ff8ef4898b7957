import { resumeContainer } from '../../sandbox/pause-container.ts';
import { findId } from '../find-id.ts';
import type { Verb } from '../verb.ts';

export const resume: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  async run({ args }) {
    await resumeContainer(findId(args[0]));
    return 0;
  },
};
