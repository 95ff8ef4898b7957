/** Finders of leftovers, in the order of removal: removing a sandbox also removes its resources. */
import type { Tools } from '../../context/context.ts';
import type { Leftover } from './leftover.ts';
import { leftCgroups } from './left-cgroups.ts';
import { leftMappings } from './left-mappings.ts';
import { leftSandboxes } from './left-sandboxes.ts';
import { leftShares } from './left-shares.ts';
import { leftQemus, leftVmDirectories } from './left-vms.ts';

/** Each finder inspects the host when it is called. */
export const leftoverFinders: readonly ((tools: Tools) => Leftover[])[] = [
  leftSandboxes,
  leftQemus,
  leftVmDirectories,
  leftShares,
  leftMappings,
  leftCgroups,
];
