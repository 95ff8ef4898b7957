import { createContainer } from '../../sandbox/create-container.ts';
import { deleteContainer } from '../../sandbox/delete-container.ts';
import { startContainer } from '../../sandbox/start-container.ts';
import { describeCreate } from '../input/create-options.ts';
import { createRequest } from '../input/create-request.ts';
import { awaitExitCode, exitCodeOf } from '../../processes/exit-code.ts';
import { forwardSignals } from '../../processes/forward-signals.ts';
import { writePidFile } from '../output/pid-file.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

export const run: Verb = {
  describe: (command) =>
    void describeCreate(command)
      .option('-d, --detach', 'do not wait for the process')
      .option('--keep', 'do not delete the container when its process has ended')
      .option('--no-subreaper', 'accepted'),
  async run(invocation) {
    const detached = invocation.options['detach'] === true;
    const request = createRequest(invocation, { attached: !detached, starts: true });
    const context = await invocation.context();
    const starting = createContainer(context, request);
    const early = detached ? undefined : forwardSignals(starting);
    const started = await starting;
    const exited = detached ? undefined : awaitExitCode(started.child);
    try {
      const signal = early?.();
      if (signal !== undefined) return exitCodeOf(null, signal);
      await startContainer(context, request.id);
      writePidFile(textOption(invocation.options, 'pidFile'), started.identity.pid);
      return exited === undefined ? 0 : await exited;
    } catch (error) {
      await deleteContainer(context, request.id, true);
      throw error;
    } finally {
      if (!detached && invocation.options['keep'] !== true) await deleteContainer(context, request.id, true);
    }
  },
};
