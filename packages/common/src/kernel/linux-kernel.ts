/** Makes the system calls. */
import { cgroupCalls } from './cgroup-calls.ts';
import { clockCalls } from './clock-calls.ts';
import { descriptorCalls } from './descriptor-calls.ts';
import type { Kernel } from './kernel.ts';
import { mountCalls } from './mount-calls.ts';
import { namespaceCalls } from './namespace-calls.ts';
import { processCalls } from './process-calls.ts';
import { socketLookupCalls } from './socket-lookup-calls.ts';
import { spawnCalls } from './spawn-calls.ts';
import { terminalCalls } from './terminal-calls.ts';
import { virtualMachineCalls } from './virtual-machine-calls.ts';

export const linuxKernel: Kernel = {
  ...mountCalls,
  ...namespaceCalls,
  ...processCalls,
  ...spawnCalls,
  ...descriptorCalls,
  ...terminalCalls,
  ...clockCalls,
  ...virtualMachineCalls,
  ...cgroupCalls,
  ...socketLookupCalls,
};
