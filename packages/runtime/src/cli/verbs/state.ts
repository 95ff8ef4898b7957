import { UsageError } from '@kata-containers/common/errors/kata-error';
import { currentState } from '../../state/container-status.ts';
import { ociStatus } from '../../state/lifecycle.ts';
import { requireContainer } from '../../state/state-store.ts';
import { findId } from '../input/find-id.ts';
import { containerAnnotations } from '../output/container-annotations.ts';
import { print } from '../output/print.ts';
import { OCI_VERSION } from '../output/version-text.ts';
import type { Verb } from '../input/verb.ts';

export const state: Verb = {
  describe: (command) => void command.argument('[container-id]'),
  run({ args, isFromEngine }) {
    if (args.length !== 1) throw new UsageError(`Expecting only one container ID, got ${args.length}: [${args.join(' ')}]`);
    const id = findId(args[0], { isFromEngine });
    const { record } = requireContainer(id);
    const status = ociStatus(currentState(record));
    const annotations = containerAnnotations(record);
    const pid = status === 'stopped' ? {} : { pid: record.Process.Shim.pid };
    print(JSON.stringify({ ociVersion: OCI_VERSION, id, status, ...pid, bundle: record.BundlePath, annotations }, null, 2));
    return Promise.resolve(0);
  },
};
