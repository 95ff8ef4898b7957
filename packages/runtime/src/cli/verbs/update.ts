import { UsageError } from '@kata-containers/common/errors/kata-error';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { updateContainer } from '../../sandbox/update-container.ts';
import { findId } from '../input/find-id.ts';
import { parseResources, resourcesOfOptions } from '../input/parse-update.ts';
import { readInput } from '../input/read-input.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

export const update: Verb = {
  describe: (command) =>
    void command
      .argument('[container-id]')
      .option(
        '-r, --resources <file>',
        'JSON of the limits ("linux.resources" of config.json), "-" for stdin; other options are then ignored',
      )
      .option('--blkio-weight <n>', 'accepted: the guest has no such scheduler')
      .option('--cpu-period <microseconds>', 'period of --cpu-quota')
      .option('--cpu-quota <microseconds>', 'CPU time in a period')
      .option('--cpu-share <n>', 'relative weight')
      .option('--cpu-rt-period <microseconds>', 'period of real-time scheduling')
      .option('--cpu-rt-runtime <microseconds>', 'real-time CPU time in a period')
      .option('--cpu-burst <microseconds>', 'accepted')
      .option('--cpu-idle <n>', 'accepted')
      .option('--cpuset-cpus <list>', "CPUs of the host that the VM's vCPUs may run on")
      .option('--cpuset-mems <list>', "memory nodes of the host for the VM's vCPUs")
      .option('--kernel-memory <bytes>', 'kernel memory')
      .option('--kernel-memory-tcp <bytes>', 'kernel memory of TCP')
      .option('--memory <bytes>', 'memory; k, m and g may follow the number')
      .option('--memory-reservation <bytes>', 'soft limit of memory')
      .option('--memory-swap <bytes>', 'memory and swap together, -1 for no limit')
      .option('--pids-limit <n>', 'number of processes')
      .option('--l3-cache-schema <schema>', 'accepted')
      .option('--mem-bw-schema <schema>', 'accepted'),
  async run({ args, options, log, trace, isFromEngine }) {
    if (args.length === 0) throw new UsageError('Missing container ID, should at least provide one');
    const id = findId(args[0], { isFromEngine });
    const file = textOption(options, 'resources');
    const resources = file === undefined ? resourcesOfOptions(options) : parseResources(readInput(file));
    await updateContainer({ log, trace, kernel: linuxKernel }, id, resources);
    return 0;
  },
};
