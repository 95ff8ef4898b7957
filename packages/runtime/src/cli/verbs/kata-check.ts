import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { silentLogger } from '@kata-containers/common/logging/logger';
import type { Logger } from '@kata-containers/common/logging/logger';
import { version } from '@kata-containers/common/version';
import { checkConsistency } from '../../host-check/check-consistency.ts';
import { checkHost, hostRequirements } from '../../host-check/check-host.ts';
import type { CheckedHost } from '../../host-check/check-host.ts';
import { checkComponents, checkHostParts, configurationChecks, thisInstallation } from '../../host-check/check-installation.ts';
import type { Check } from '../../host-check/check-installation.ts';
import { checkConfinement } from '../../host-check/check-confinement.ts';
import type { ConfiningHost } from '../../host-check/check-confinement.ts';
import { deviceProgram } from '../../host-cgroup/device-program-plan.ts';
import type { AcceleratorChoice } from '../../host-check/accelerator.ts';
import { knownAccelerator } from '../../host-check/known-accelerator.ts';
import { verdictOf } from '../../host-check/verdict.ts';
import { checkKvm } from '../../host-check/check-kvm.ts';
import { fetchReleases } from '../../host-check/fetch-releases.ts';
import { hostFiles } from '../../host-check/host-files.ts';
import { listLine, parseReleases, releaseLine } from '../../host-check/parse-releases.ts';
import { parseVersion } from '../../host-check/parse-version.ts';
import { print } from '../output/print.ts';
import { printWarnings } from '../output/print-warnings.ts';
import { stderrLog } from '../output/stderr-log.ts';
import type { Invocation, Verb } from '../input/verb.ts';

const STDERR = 2;

/** modprobe may hang on a broken module. */
const MODPROBE_MS = 30_000;

/** The message of modprobe(8) when it failed. */
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

function checkThisHost(log: Logger, say: (text: string) => void): void {
  const host: CheckedHost = { files: hostFiles(), architecture: process.arch, isRoot: process.geteuid?.() === 0, loadModule };
  checkHost(host, log);
  say('System is capable of running Kata Containers\n');
  if (host.isRoot) {
    checkKvm(hostRequirements(host), linuxKernel, log);
    say('System can currently create Kata Containers\n');
  }
}

/** With `--strict`, compares versions also on a host that cannot run VMs. 1.x does not. */
async function checkAll({ options, configuration }: Invocation, log: Logger, say: (text: string) => void): Promise<void> {
  try {
    checkThisHost(log, say);
  } finally {
    if (options['strict'] === true) {
      checkConsistency((await configuration()).configuration);
      say('Version consistency of Kata Containers is verified\n');
    }
  }
}

interface Findings {
  readonly checks: readonly Check[];
  readonly accelerator?: AcceleratorChoice;
  readonly warnings: readonly string[];
}

const confiningHost: ConfiningHost = {
  exists: existsSync,
  status: readFileSync('/proc/self/status', 'latin1'),
  mountinfo: readFileSync('/proc/self/mountinfo', 'utf8'),
  controllers: (root) => readFileSync(join(root, 'cgroup.controllers'), 'utf8'),
  loadDeviceProgram: () => closeSync(linuxKernel.loadDeviceProgram(deviceProgram([]))),
};

/** Checks the requirements of a container, except the CPU. */
async function findings({ configuration }: Invocation): Promise<Findings> {
  const parts = checkHostParts(thisInstallation);
  try {
    const { configuration: loaded, warnings, files } = await configuration();
    const read: Check = { name: 'configuration', status: 'ok', detail: files.join(', ') };
    const confinement = checkConfinement(loaded, confiningHost);
    const checks = [read, ...checkComponents(loaded, thisInstallation), ...confinement, ...parts];
    return { checks, accelerator: await knownAccelerator(loaded.hypervisor, linuxKernel), warnings };
  } catch (error) {
    return { checks: [...configurationChecks(error), ...parts], warnings: [] };
  }
}

/** Runs 1.x's checks. @returns the error, or undefined when they pass. All records are printed on stderr, including the error. */
async function failureOf(check: Promise<void>, log: Logger): Promise<string | undefined> {
  try {
    await check;
    return undefined;
  } catch (error) {
    const message = errorMessage(error);
    log.error(message);
    return message;
  }
}

/** Scripts parse 1.x's lines and exit code. The last lines are for users. */
async function checkAndReport(invocation: Invocation): Promise<number> {
  const { options, log } = invocation;
  const isJson = options['json'] === true;
  const found = await findings(invocation);
  const records = isJson ? silentLogger : stderrLog('info');
  if (!isJson) printWarnings(found.warnings);
  const say = isJson ? (): void => {} : print;
  const failure = await failureOf(checkAll(invocation, records, say), records);
  if (failure !== undefined) log.error(failure);
  if (failure !== undefined && !isJson) writeSync(STDERR, `${failure}\n`);
  const { verdict, text } = verdictOf(found.checks, found.accelerator);
  const { checks, warnings, accelerator: choice } = found;
  const result = { verdict, ...choice, isCapable: failure === undefined, failure, checks, warnings };
  print(isJson ? `${JSON.stringify(result, null, 2)}\n` : `${text}\n`);
  return failure === undefined && verdict !== 'cannot-run' ? 0 : 1;
}

export const kataCheck: Verb = {
  describe: (command) =>
    void command
      .option('--check-version-only', 'only look for a newer version (needs the network; not as root)')
      .option('--include-all-releases', 'also show pre-releases')
      .option('--json', 'print the result of each check, and the verdict, as JSON')
      .option('-n, --no-network-checks', 'skip checks that need the network, as with the variable KATA_CHECK_NO_NETWORK')
      .option('--only-list-releases', 'only list newer versions, as "version;date;url" (not as root)')
      .option('-s, --strict', 'fail unless all components have the same version')
      .option('-v, --verbose', 'accepted: all checks are always printed'),
  async run(invocation) {
    const { options } = invocation;
    const isJson = options['json'] === true;
    const isAboutReleases = options['checkVersionOnly'] === true || options['onlyListReleases'] === true;
    const log = stderrLog('info');
    try {
      if (!isJson) await checkReleases(invocation, log);
    } catch (error) {
      log.error(errorMessage(error));
      throw error;
    }
    return isAboutReleases ? 0 : checkAndReport(invocation);
  },
};
