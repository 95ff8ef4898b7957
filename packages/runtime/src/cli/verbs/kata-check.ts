import { execFileSync } from 'node:child_process';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import { version } from '@kata-containers/common/version';
import { checkConsistency } from '../../host-check/check-consistency.ts';
import { INCAPABLE, checkHost, hostRequirements } from '../../host-check/check-host.ts';
import type { CheckedHost } from '../../host-check/check-host.ts';
import { checkKvm } from '../../host-check/check-kvm.ts';
import { fetchReleases } from '../../host-check/fetch-releases.ts';
import { hostFiles } from '../../host-check/host-files.ts';
import { listLine, parseReleases, releaseLine } from '../../host-check/parse-releases.ts';
import { parseVersion } from '../../host-check/parse-version.ts';
import { print } from '../print.ts';
import { printWarnings } from '../print-warnings.ts';
import { stderrLog } from '../stderr-log.ts';
import type { Invocation, Verb } from '../verb.ts';

/** A module that does not come up may keep modprobe waiting. */
const MODPROBE_MS = 30_000;

/** What modprobe(8) said when it failed. */
function loadModule(name: string): string | undefined {
  try {
    execFileSync('modprobe', [name], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
      timeout: MODPROBE_MS,
      killSignal: 'SIGKILL',
    });
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    return stderr === undefined || stderr === '' ? errorMessage(error) : stderr.trim();
  }
}

async function checkReleases({ options, host: { environment } }: Invocation, log: Logger): Promise<void> {
  if (options['networkChecks'] === false || (environment['KATA_CHECK_NO_NETWORK'] ?? '') !== '') return;
  if (process.geteuid?.() === 0) return log.warn('Not running network checks as super user');
  const current = parseVersion(version) ?? { semver: version, major: 0, minor: 0, patch: 0, preRelease: [] };
  const json = await fetchReleases(environment['KATA_RELEASE_URL']);
  const newer = parseReleases(json, current, options['includeAllReleases'] === true);
  if (options['onlyListReleases'] !== true) print(`${releaseLine(current, newer)}\n`);
  else if (newer.length === 0) print('No releases available\n');
  else for (const release of newer) print(`${listLine(release)}\n`);
}

function checkThisHost(log: Logger): void {
  const host: CheckedHost = { files: hostFiles(), architecture: process.arch, isRoot: process.geteuid?.() === 0, loadModule };
  checkHost(host, log);
  print('System is capable of running Kata Containers\n');
  if (host.isRoot) {
    checkKvm(hostRequirements(host), linuxKernel, log);
    print('System can currently create Kata Containers\n');
  }
}

/** With `--strict` versions are compared on a host that cannot run VMs, too: 1.x does not come to it there. */
async function checkAll({ options, context }: Invocation, log: Logger): Promise<void> {
  try {
    checkThisHost(log);
  } finally {
    if (options['strict'] === true) {
      checkConsistency((await context()).configuration);
      print('Version consistency of Kata Containers is verified\n');
    }
  }
}

/** A configuration that cannot be read is the business of other checks. */
async function configurationWarnings({ configuration }: Invocation): Promise<readonly string[]> {
  try {
    return (await configuration()).warnings;
  } catch {
    return [];
  }
}

/** Records go to stderr, the last error as one of them too. */
async function report(check: Promise<void>, log: Logger): Promise<number> {
  try {
    await check;
    return 0;
  } catch (error) {
    const message = errorMessage(error);
    if (message === INCAPABLE) log.warn('guests are emulated on such a host: that works, and is many times slower');
    log.error(message);
    throw error;
  }
}

export const kataCheck: Verb = {
  describe: (command) =>
    void command
      .option('--check-version-only', 'only look for a newer version (needs the network; not as root)')
      .option('--include-all-releases', 'pre-releases too')
      .option('-n, --no-network-checks', 'check nothing that needs the network; so does the variable KATA_CHECK_NO_NETWORK')
      .option('--only-list-releases', 'only list newer versions, as "version;date;url" (not as root)')
      .option('-s, --strict', 'all components must be of one version')
      .option('-v, --verbose', 'accepted: each check is reported anyway'),
  run(invocation) {
    const { options } = invocation;
    const log = stderrLog('info');
    const checks = async (): Promise<void> => {
      printWarnings(await configurationWarnings(invocation));
      await checkReleases(invocation, log);
      if (options['checkVersionOnly'] === true || options['onlyListReleases'] === true) return;
      await checkAll(invocation, log);
    };
    return report(checks(), log);
  },
};
