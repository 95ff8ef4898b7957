import { resumeContainer } from '../../sandbox/pause-container.ts';
import { findId } from '../input/find-id.ts';
import type { Verb } from '../input/verb.ts';

export const resume: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  async run({ args, isFromEngine }) {
    await resumeContainer(findId(args[0], { isFromEngine }));
    return 0;
  },
};
