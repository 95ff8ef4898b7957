/** Where leftovers are looked for, in the order in which they are removed: what a sandbox holds goes with the sandbox. */
import type { Tools } from '../../context/context.ts';
import type { Leftover } from './leftover.ts';
import { leftCgroups } from './left-cgroups.ts';
import { leftMappings } from './left-mappings.ts';
import { leftSandboxes } from './left-sandboxes.ts';
import { leftShares } from './left-shares.ts';
import { leftQemus, leftVmDirectories } from './left-vms.ts';

/** Each looks at the host when it is called. */
export const leftoverFinders: readonly ((tools: Tools) => Leftover[])[] = [
  leftSandboxes,
  leftQemus,
  leftVmDirectories,
  leftShares,
  leftMappings,
  leftCgroups,
];
