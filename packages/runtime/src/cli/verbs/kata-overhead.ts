import { UsageError } from '@kata-containers/common/errors/kata-error';
import { measureOverhead } from '../../sandbox/measure-overhead.ts';
import { findIdForPerson } from '../input/find-id.ts';
import { print } from '../output/print.ts';
import type { Verb } from '../input/verb.ts';

export const kataOverhead: Verb = {
  describe: (command) => void command.argument('[container-id...]', 'containers to measure, one second for each'),
  async run({ args, log }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    for (const id of args) print(await measureOverhead(findIdForPerson(id), log));
    return 0;
  },
};
