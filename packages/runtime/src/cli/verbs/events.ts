import { sanitizeJson } from '@kata-containers/common/errors/guest-text';
import { parseDuration } from '@kata-containers/common/command-lines/parse-duration';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { exactJson } from '../../bundle/exact-json.ts';
import { containerStats, followContainer } from '../../sandbox/container-events.ts';
import type { ContainerEvent } from '../../sandbox/container-events.ts';
import { findId } from '../input/find-id.ts';
import { print } from '../output/print.ts';
import { textOption } from '../input/verb.ts';
import type { Options, Verb } from '../input/verb.ts';

/** Milliseconds. @throws UsageError */
function interval(options: Options): number {
  const text = textOption(options, 'interval') ?? '';
  if (text.startsWith('-')) throw new UsageError('duration interval must be greater than 0');
  const milliseconds = text === '0' ? 0 : parseDuration(text);
  if (milliseconds === undefined) throw new UsageError(`--interval must be a time such as 5s, not "${text}"`);
  if (milliseconds === 0) throw new UsageError('duration interval must be greater than 0');
  return milliseconds;
}

const tell = (event: ContainerEvent): void => print(`${sanitizeJson(exactJson(event))}\n`);

export const events: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id]')
      .option('--interval <duration>', 'time between two statistics', '5s')
      .option('--stats', 'print the statistics once, and exit'),
  async run({ args, options, isFromEngine }) {
    const id = findId(args[0], { isFromEngine });
    const milliseconds = interval(options);
    if (options['stats'] === true) tell(await containerStats(id));
    else await followContainer(id, milliseconds, tell);
    return 0;
  },
};
