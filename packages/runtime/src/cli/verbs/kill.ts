import { killContainer } from '../../sandbox/kill-container.ts';
import { findId } from '../input/find-id.ts';
import { signalNumber } from '../input/signals.ts';
import type { Verb } from '../input/verb.ts';

export const kill: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id]')
      .argument('[signal]', 'name or number', 'SIGTERM')
      .option('-a, --all', 'signal every process of the container, not just its first'),
  async run({ args, options, log, trace, isFromEngine }) {
    const id = findId(args[0], { isFromEngine });
    await killContainer({ log, trace }, { id, signal: signalNumber(args[1] ?? 'SIGTERM'), all: options['all'] === true });
    return 0;
  },
};
