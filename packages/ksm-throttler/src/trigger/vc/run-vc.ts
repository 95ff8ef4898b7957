/** 1.x's separate trigger `vc`: kicks the throttler for each sandbox that appears. */
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { logFlag, openLog, readCommandLine, rootFlag, uriFlag } from '../../process/read-command-line.ts';
import { ending } from '../../process/ending.ts';
import { sendKick } from '../send-kick.ts';
import { SandboxWatch } from '../watch-sandboxes.ts';

const program = 'kata-vc-throttler';

/** Runs until a signal arrives. When the throttler does not answer, it logs that, and kicks again for the next sandbox. @throws UsageError */
export async function runVc(argv: readonly string[], kernel: Pick<Kernel, 'openDirectoryMonitor'>): Promise<number> {
  const given = readCommandLine(program, argv, [rootFlag, logFlag, uriFlag]);
  if (!given) return 0;
  const log = openLog(program, given.text('log'));
  const socket = socketPath(given.text('uri'));
  const ended = ending(process);
  const appeared = (): void => {
    sendKick(socket).then(
      () => log.debug('kicked'),
      (error: unknown) => log.error('kick failed', { reason: errorMessage(error) }),
    );
  };
  const watch = new SandboxWatch(given.text('root'), { appeared }, log, kernel);
  log.info('watches', { root: given.text('root'), uri: socket });
  await ended;
  watch.close();
  return 0;
}
