import { readFileSync } from 'node:fs';

/** A random UUID of the kernel's, random(4): node:crypto takes longer to load than most verbs run. */
export const randomUuid = (): string => readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
