import { isTerminal } from '@kata-containers/common/process/is-terminal';
import { openGuestShell } from '../../sandbox/guest-shell.ts';
import { awaitExitCode } from '../../processes/exit-code.ts';
import { findIdForPerson } from '../input/find-id.ts';
import { forwardSignals } from '../../processes/forward-signals.ts';
import type { Verb } from '../input/verb.ts';

const STDIN = 0;

export const kataShell: Verb = {
  describe: (command) =>
    void command
      .argument('<container-id>', 'a container of the guest in which the shell runs')
      .argument('[command...]', 'command to run instead of a shell; it has a terminal only if standard input is a terminal'),
  async run({ args, context, host }) {
    const id = findIdForPerson(args[0]);
    const command = args.slice(1);
    const starting = openGuestShell(await context(), {
      id,
      args: command.length > 0 ? command : ['sh'],
      terminal: isTerminal(STDIN),
      term: host.environment['TERM'],
    });
    forwardSignals(starting);
    const { child } = await starting;
    return awaitExitCode(child);
  },
};
