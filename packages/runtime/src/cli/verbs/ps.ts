import { UsageError } from '@kata-containers/common/errors/kata-error';
import { listGuestProcesses, listHostProcesses } from '../../sandbox/list-processes.ts';
import { findId } from '../input/find-id.ts';
import { print } from '../output/print.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

export const ps: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id]')
      .argument('[ps-options...]', 'arguments for the ps of the guest, "-ef" by default')
      .option('-f, --format <format>', 'table: of the guest; json: pids of the container on the host', 'table')
      .option('--kata-guest-pids', "with json: the guest's own pids, which mean nothing on the host"),
  async run({ args, options, isFromEngine }) {
    const [given, ...psArgs] = args;
    const id = findId(given, { isFromEngine });
    const format = textOption(options, 'format');
    if (format !== 'table' && format !== 'json') throw new UsageError('invalid format option');
    if (format === 'json' && options['kataGuestPids'] !== true) print(JSON.stringify(listHostProcesses(id)));
    else print(await listGuestProcesses(id, format, psArgs.length > 0 ? psArgs : ['-ef']));
    return 0;
  },
};
