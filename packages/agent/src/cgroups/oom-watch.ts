/**
 * Tells when the kernel has killed a process of a control group for want of memory. Version 1 signals an eventfd that
 * cgroup.event_control was told of (memory.rst, "OOM Control"); version 2 modifies memory.events.
 */
import { closeSync, existsSync, openSync, readFileSync, watch, writeFileSync } from 'node:fs';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Kernel } from '@kata-containers/common/kernel/kernel';
import type { Cgroup } from './cgroup.ts';
import { parseTable } from './parse-cgroup-files.ts';

export interface OomWatch {
  close(): void;
}

type Events = Pick<Kernel, 'eventfd'>;

function watchV1(directory: string, onOom: () => void, kernel: Events): OomWatch {
  const control = openSync(`${directory}/memory.oom_control`, 'r');
  const eventFd = kernel.eventfd();
  try {
    writeFileSync(`${directory}/cgroup.event_control`, `${eventFd} ${control}`);
  } catch (error) {
    closeSync(eventFd);
    throw error;
  } finally {
    closeSync(control);
  }
  const stream = openPollableStream(eventFd, { direction: 'read' });
  stream.on('error', () => {});
  stream.on('data', () => {
    // The removal of the group signals it too.
    if (existsSync(`${directory}/memory.oom_control`)) onOom();
    else stream.destroy();
  });
  return { close: () => stream.destroy() };
}

function killCount(file: string): bigint {
  try {
    return parseTable(readFileSync(file, 'latin1'))['oom_kill'] ?? 0n;
  } catch {
    return 0n;
  }
}

function watchV2(directory: string, onOom: () => void): OomWatch {
  const file = `${directory}/memory.events`;
  let known = killCount(file);
  const watcher = watch(file, () => {
    const count = killCount(file);
    if (count > known) onOom();
    known = count;
  });
  watcher.on('error', () => {});
  return watcher;
}

/** @throws Error when the group has no memory controller */
export function watchOom(cgroup: Cgroup, onOom: () => void, kernel: Events): OomWatch {
  const directory = cgroup.directory('memory');
  return cgroup.version === 1 ? watchV1(directory, onOom, kernel) : watchV2(directory, onOom);
}
