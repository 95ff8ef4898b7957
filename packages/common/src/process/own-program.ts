import { realpathSync } from 'node:fs';

/** Real path of the program that runs: the bundle, or what has installed it. */
export const ownProgram = (): string => realpathSync(process.argv[1] ?? '');
