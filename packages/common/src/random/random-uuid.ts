import { readFileSync } from 'node:fs';

/** A random UUID from the kernel, random(4): loading node:crypto takes longer than most verbs. */
export const randomUuid = (): string => readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim();
