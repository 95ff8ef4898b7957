import { UsageError } from '@kata-containers/common/errors/kata-error';
import { reportOom } from '../../sandbox/report-oom.ts';
import { textOption } from '../input/verb.ts';
import type { Options, Verb } from '../input/verb.ts';
import type { OomListener } from '../../sandbox/oom-listener.ts';

function listenerOf(options: Options): OomListener {
  const [socket, namespace, files] = [textOption(options, 'containerd'), textOption(options, 'namespace'), options['file']];
  if (socket !== undefined && namespace !== undefined) return { kind: 'containerd', socket, namespace };
  if (Array.isArray(files)) return { kind: 'conmon', files: files.map(String) };
  throw new UsageError('--containerd with --namespace, or --file must be given');
}

/** The helper of kata-shim runs this command. */
export const kataOom: Verb = {
  describe: (command) =>
    void command
      .argument('<container-id>')
      .option('--containerd <socket>', "ttrpc socket of containerd's event service")
      .option('--namespace <name>', "containerd's namespace of the container")
      .option('--file <path>', 'file to create, as conmon does; can be repeated', (path: string, before: string[] = []) => [
        ...before,
        path,
      ]),
  async run({ args: [id = ''], options }) {
    await reportOom(listenerOf(options), id);
    return 0;
  },
};
