/** 1.x's debugging tool `kicker`: sends one kick. */
import { socketPath } from '@kata-containers/common/command-lines/socket-address';
import { readCommandLine, uriFlag } from '../../process/read-command-line.ts';
import { sendKick } from '../send-kick.ts';

/** @throws UsageError; KataError when the throttler does not answer */
export async function runKicker(argv: readonly string[]): Promise<number> {
  const given = readCommandLine('kicker', argv, [uriFlag]);
  if (given) await sendKick(socketPath(given.text('uri')));
  return 0;
}
