import type { GoFlag } from '@kata-containers/common/command-lines/go-flags';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { logFlag, rootFlag, uriFlag } from '../process/read-command-line.ts';

/** 1.x's flags, then new flags, then flags with which tests use fakes. */
export const daemonFlags: readonly GoFlag[] = [
  logFlag,
  uriFlag,
  { ...rootFlag, description: `${rootFlag.description}; empty: only a trigger reports sandboxes` },
  { name: 'back-off', kind: 'boolean', description: 'leave a mode early when scans gain nothing', default: true },
  { name: 'dry-run', kind: 'boolean', description: 'print what would be written, and write nothing', default: false },
  { name: 'status', kind: 'boolean', description: 'print mode, memory saved and CPU spent, and exit', default: false },
  { name: 'restore', kind: 'boolean', description: 'restore the values that a killed throttler saved, and exit', default: false },
  { name: 'ksm', kind: 'string', description: "the kernel's KSM directory (tests)", default: '/sys/kernel/mm/ksm' },
  { name: 'proc', kind: 'string', description: 'where processes and meminfo are (tests)', default: '/proc' },
  { name: 'speed', kind: 'string', description: 'factor by which time passes faster (tests)', default: '1' },
];

/** @throws UsageError */
export function parseSpeed(text: string): number {
  const speed = Number(text);
  if (!(speed >= 1 && speed <= 10_000)) throw new UsageError(`not a speed: "${text}"`);
  return speed;
}
