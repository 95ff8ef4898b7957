/**
 * Reports when the kernel has OOM-killed a process of a cgroup. Version 1 signals an eventfd that
 * cgroup.event_control was given (memory.rst, "OOM Control"); version 2 modifies memory.events.
 */
import { closeSync, existsSync, openSync, watch, writeFileSync } from 'node:fs';
import type { Cgroup } from '@kata-containers/common/cgroups/cgroup';
import { oomKills } from '@kata-containers/common/cgroups/oom-kills';
import { openPollableStream } from '@kata-containers/common/kernel/pollable-stream';
import type { Kernel } from '@kata-containers/common/kernel/kernel';

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
    // The removal of the cgroup signals the eventfd too.
    if (existsSync(`${directory}/memory.oom_control`)) onOom();
    else stream.destroy();
  });
  return { close: () => stream.destroy() };
}

function watchV2(cgroup: Cgroup, onOom: () => void): OomWatch {
  let known = oomKills(cgroup);
  const watcher = watch(`${cgroup.directory('memory')}/memory.events`, () => {
    const count = oomKills(cgroup);
    if (count > known) onOom();
    known = count;
  });
  watcher.on('error', () => {});
  return watcher;
}

/** @throws Error when the group has no memory controller */
export function watchOom(cgroup: Cgroup, onOom: () => void, kernel: Events): OomWatch {
  return cgroup.version === 1 ? watchV1(cgroup.directory('memory'), onOom, kernel) : watchV2(cgroup, onOom);
}
