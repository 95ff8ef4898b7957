import { createContainer } from '../../sandbox/create-container.ts';
import type { SpawnedProcess } from '../../processes/spawn-detached.ts';
import { describeCreate } from '../input/create-options.ts';
import { createRequest } from '../input/create-request.ts';
import { writePidFile } from '../output/pid-file.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

export const create: Verb = {
  describe: (command) => void describeCreate(command).option('--detach', 'accepted: create never waits'),
  async run(invocation) {
    const request = createRequest(invocation, { attached: false, starts: false });
    const pidFile = textOption(invocation.options, 'pidFile');
    const onCreated = ({ identity }: SpawnedProcess): void => writePidFile(pidFile, identity.pid);
    await createContainer(await invocation.context(), { ...request, onCreated });
    return 0;
  },
};
