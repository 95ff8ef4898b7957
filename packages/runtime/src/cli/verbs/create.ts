import { createContainer } from '../../sandbox/create-container.ts';
import type { SpawnedProcess } from '../../processes/spawn-detached.ts';
import { describeCreate } from '../create-options.ts';
import { createRequest } from '../create-request.ts';
import { writePidFile } from '../pid-file.ts';
import { textOption } from '../verb.ts';
import type { Verb } from '../verb.ts';

export const create: Verb = {
  describe: (command) => void describeCreate(command).option('--detach', 'accepted: create never waits'),
  async run(invocation) {
    const request = createRequest(invocation, false);
    const pidFile = textOption(invocation.options, 'pidFile');
    const onCreated = ({ identity }: SpawnedProcess): void => writePidFile(pidFile, identity.pid);
    await createContainer(await invocation.context(), { ...request, onCreated });
    return 0;
  },
};
