import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { templateStore } from '../../factory/templates/use-template.ts';
import { leftoverFinders } from '../../sandbox/leftovers/find-leftovers.ts';
import type { Leftover } from '../../sandbox/leftovers/leftover.ts';
import { leftTemplates } from '../../sandbox/leftovers/left-templates.ts';
import { print } from '../output/print.ts';
import type { Verb } from '../input/verb.ts';

interface Count {
  found: number;
  failed: number;
}

async function collect(leftovers: readonly Leftover[], isDryRun: boolean, count: Count): Promise<void> {
  for (const { what, why, remove } of leftovers) {
    const failures = isDryRun ? [] : await remove();
    count.found++;
    if (failures.length > 0) count.failed++;
    const did = isDryRun ? 'would remove' : failures.length > 0 ? 'could not remove' : 'removed';
    print(`${did} ${what}: ${[why, ...failures].join('; ')}\n`);
  }
}

export const kataGc: Verb = {
  describe: (command) => void command.option('--dry-run', 'print the objects to remove, and remove nothing'),
  async run({ options, log, trace, context }) {
    if (process.geteuid?.() !== 0) throw new KataError('kata-gc inspects all processes and mounts: run the command as root');
    const isDryRun = options['dryRun'] === true;
    const count: Count = { found: 0, failed: 0 };
    for (const find of leftoverFinders) await collect(find({ log, trace, kernel: linuxKernel }), isDryRun, count);
    try {
      await collect(leftTemplates(templateStore(await context())), isDryRun, count);
    } catch (error) {
      console.error(`templates are not checked: ${errorMessage(error)}`); // an error in the configuration must not stop kata-gc
      return 1;
    }
    if (count.found === 0) print('nothing is left behind\n');
    return count.failed === 0 ? 0 : 1;
  },
};
