/** The daemon's main function: save the host's values, serve kicks, watch sandboxes, run the schedule, restore the values. */
import { writeSync } from 'node:fs';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Logger } from '@kata-containers/common/logging/logger';
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import { version } from '@kata-containers/common/version';
import { openLog, readCommandLine } from '../process/read-command-line.ts';
import type { ParsedFlags } from '../process/read-command-line.ts';
import type { KsmValues } from '../kernel/tuning-plan.ts';
import { modeOf } from '../schedule/throttle-plan.ts';
import type { ThrottleState } from '../schedule/throttle-plan.ts';
import { removeRecord, writeRecord } from '../status/record-file.ts';
import type { DaemonRecord } from '../status/parse-daemon-record.ts';
import { SandboxWatch } from '../trigger/watch-sandboxes.ts';
import { realClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { ending } from '../process/ending.ts';
import { daemonFlags, parseSpeed } from './flags.ts';
import { describeHost, openHost } from './host.ts';
import type { DaemonHost } from './host.ts';
import { makeDirectory, serveKicks } from './kick-server.ts';
import { takeOver } from './predecessor.ts';
import { Throttler } from './throttler.ts';

const program = 'kata-ksm-throttler';

/** Keeps the record up to date; a dry run has no record. When the record cannot be written, the daemon logs that and continues. */
function recorder(host: DaemonHost, initial: KsmValues, clock: Clock, log: Logger): (state: ThrottleState) => void {
  if (host.dryRun) return () => {};
  const fixed = { initial, pid: process.pid, startTime: identifyProcess(process.pid)?.startTime ?? '' };
  let atKick: DaemonRecord['atKick'];
  return (state) => {
    const mode = modeOf(state);
    if (mode === 'aggressive') atKick = { savedBytes: host.ksm.gain().savedBytes, ksmdSeconds: host.ksmdSeconds() ?? 0 };
    const endsAt = state.endsAt === undefined ? undefined : new Date(Date.now() + state.endsAt - clock.now()).toISOString();
    const record = { ...fixed, mode, next: state.steps[1]?.mode, endsAt, atKick } as DaemonRecord;
    try {
      writeRecord(host.recordPath, record);
    } catch (error) {
      log.warn('the values of the host cannot be saved, and would be lost after kill -9', {
        path: host.recordPath,
        reason: errorMessage(error),
      });
    }
  };
}

/** The record is removed only once the values are restored: otherwise the next start tries again. */
function putBack(throttler: Throttler, host: DaemonHost, log: Logger): boolean {
  try {
    throttler.stop();
    if (!host.dryRun) removeRecord(host.recordPath);
    return true;
  } catch (error) {
    log.error("the host's values cannot be restored", { reason: errorMessage(error) });
    return false;
  }
}

type MonitoringKernel = Pick<Kernel, 'openDirectoryMonitor'>;

interface Listening {
  readonly throttler: Throttler;
  readonly host: DaemonHost;
  /** Directory of the sandboxes; empty to watch none. */
  readonly root: string;
  readonly log: Logger;
  readonly kernel: MonitoringKernel;
}

/** Serves kicks until a signal or an error ends it. Adds to `closers` the functions that the caller calls then. */
async function listen({ throttler, host, root, log, kernel }: Listening, closers: (() => void)[]): Promise<void> {
  const ended = ending(process);
  process.on('SIGUSR1', () => writeSync(2, describeHost(host)));
  closers.push(await serveKicks(host.socket, () => throttler.kick('trigger')));
  if (root !== '') {
    const listener = { appeared: () => throttler.kick('sandbox'), empty: () => throttler.empty() };
    const watch = new SandboxWatch(root, listener, log, kernel);
    closers.push(() => watch.close());
  }
  log.info('announce', { version, uri: host.socket });
  log.info('ends', { signal: await ended });
}

/** @returns the exit code: values that could not be restored are a failure. @throws Error that ended the daemon, after restoring */
async function serve(host: DaemonHost, given: ParsedFlags, log: Logger, kernel: MonitoringKernel): Promise<number> {
  const clock = realClock(parseSpeed(given.text('speed')));
  makeDirectory(host.socket);
  const { initial, wasKilled } = takeOver(host);
  if (wasKilled) log.warn('the last throttler was killed: its saved values are restored');
  const onState = recorder(host, initial, clock, log);
  const throttler = new Throttler({ ksm: host.ksm, initial, clock, log, backOff: given.is('back-off'), onState });
  const closers: (() => void)[] = [];
  let isBack = false;
  try {
    throttler.start(); // saves the values before it changes any
    await listen({ throttler, host, root: given.text('root'), log, kernel }, closers);
  } finally {
    isBack = putBack(throttler, host, log);
    for (const close of closers) close();
  }
  return isBack ? 0 : 1;
}

/** @throws UsageError; KataError without KSM or beside another daemon */
export async function runDaemon(argv: readonly string[], kernel: MonitoringKernel): Promise<number> {
  const given = readCommandLine(program, argv, daemonFlags);
  if (!given) return 0;
  const log = openLog(program, given.text('log'));
  if (given.is('status')) {
    writeSync(1, describeHost(openHost(given, 'read')));
    return 0;
  }
  const host = openHost(given, 'write');
  if (!given.is('restore')) return serve(host, given, log, kernel);
  takeOver(host);
  return 0;
}
