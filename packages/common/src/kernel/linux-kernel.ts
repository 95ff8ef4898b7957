/** The real kernel. */
import { descriptorCalls } from './descriptor-calls.ts';
import type { Kernel } from './kernel.ts';
import { mountCalls, namespaceCalls } from './mount-calls.ts';
import { processCalls } from './process-calls.ts';
import { clockCalls, terminalCalls } from './terminal-calls.ts';
import { virtualMachineCalls } from './virtual-machine-calls.ts';

export const linuxKernel: Kernel = {
  ...mountCalls,
  ...namespaceCalls,
  ...processCalls,
  ...descriptorCalls,
  ...terminalCalls,
  ...clockCalls,
  ...virtualMachineCalls,
};
