import { UsageError } from '@kata-containers/common/errors/kata-error';
import { sampleSandboxes } from '../../sandbox/sandbox-usage.ts';
import { metricsText } from '../output/metrics-text.ts';
import { print } from '../output/print.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

const MAX_PORT = 65_535;

/** `unix:///path`, or a port of 127.0.0.1: the server has no authentication, so only clients on the host may connect. @throws UsageError */
function parseAddress(address: string): { path: string } | { host: string; port: number } {
  const [, path] = /^unix:\/\/(\/.+)$/.exec(address) ?? [];
  if (path !== undefined) return { path };
  const [, host = '', port] = /^(127\.0\.0\.1|\[::1\]|localhost):(\d{1,5})$/.exec(address) ?? [];
  if (port === undefined || Number(port) < 1 || Number(port) > MAX_PORT)
    throw new UsageError(`--listen must be unix:///PATH or 127.0.0.1:PORT, not "${address}"`);
  return { host: host.replaceAll(/[[\]]/g, ''), port: Number(port) };
}

export const kataMetrics: Verb = {
  describe: (command) =>
    void command.option('--listen <address>', 'serve GET /metrics on unix:///PATH or 127.0.0.1:PORT instead of printing metrics once'),
  async run({ options }) {
    const address = textOption(options, 'listen');
    if (address === undefined) {
      print(metricsText(await sampleSandboxes(), 'prometheus'));
      return 0;
    }
    const target = parseAddress(address);
    const { serveMetrics } = await import('../output/serve-metrics.ts');
    await serveMetrics(target, sampleSandboxes);
    return 0;
  },
};
