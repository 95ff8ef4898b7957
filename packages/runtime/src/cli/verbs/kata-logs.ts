import { execFileSync } from 'node:child_process';
import { closeSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { startTimeMs } from '@kata-containers/common/process/start-time-ms';
import { sandboxPaths } from '../../context/paths.ts';
import { openVmFile } from '../../hypervisor/qemu/vm-file.ts';
import { containersOf, loadSandbox, requireContainer } from '../../state/state-store.ts';
import { findIdForPerson } from '../input/find-id.ts';
import { mergeLogs } from '../output/merge-logs.ts';
import type { LogSource } from '../output/merge-logs.ts';
import { print } from '../output/print.ts';
import type { Verb } from '../input/verb.ts';

/** Log files of a VM, and the name of each in the output. */
const files = { qemu: 'qemu.log', proxy: 'proxy.log', virtiofsd: 'virtiofsd.log' } as const;
const PROGRAMS = ['kata-runtime', 'kata-shim'].flatMap((name) => ['-t', name]); // proxy.log has the lines of the proxy
const JOURNAL_MS = 20_000;
const MAX_JOURNAL_BYTES = 64 << 20;

function readLog(path: string): string {
  let fd: number | undefined;
  try {
    fd = openVmFile(path);
    return readFileSync(fd, 'utf8');
  } catch {
    return ''; // some VMs have no log of this name
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Lines of the journal that contain one of the ids; undefined on a host without journald. */
function journal(ids: readonly string[], sinceMs: number): string | undefined {
  try {
    const since = ['--since', `@${Math.floor(sinceMs / 1000)}`];
    const text = execFileSync('journalctl', ['--no-pager', '-q', '-o', 'cat', ...since, ...PROGRAMS], {
      ...{ encoding: 'utf8', timeout: JOURNAL_MS, maxBuffer: MAX_JOURNAL_BYTES },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return text.split('\n').filter((line) => ids.some((id) => line.includes(id))).join('\n'); // prettier-ignore
  } catch {
    return undefined;
  }
}

/** Longest time between the beginning of create and the start of its QEMU. */
const BEFORE_QEMU_MS = 60_000;

export const kataLogs: Verb = {
  describe: (command) => void command.argument('<container-id>', 'a container of the sandbox'),
  run({ args }) {
    const { sandboxId } = requireContainer(findIdForPerson(args[0]));
    const began = startTimeMs(loadSandbox(sandboxId).HypervisorState.Process) ?? 0;
    const { vm } = sandboxPaths(sandboxId);
    const own = Object.entries(files).map(([name, file]): LogSource => ({ name, startedMs: began, text: readLog(join(vm, file)) }));
    const ids = [...new Set([sandboxId, ...containersOf(sandboxId)])];
    const system = journal(ids, began - BEFORE_QEMU_MS);
    const merged = mergeLogs([...own, { name: 'journal', startedMs: began, text: system ?? '' }]);
    if (system === undefined) console.error('the lines of kata-runtime and kata-shim are missing: journalctl failed');
    if (merged === '') console.error(`sandbox ${sandboxId} has no log lines: processes whose enable_debug is true log more`);
    print(merged);
    return Promise.resolve(0);
  },
};
