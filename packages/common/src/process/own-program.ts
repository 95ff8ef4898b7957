import { realpathSync } from 'node:fs';
import { isBun } from './engine.ts';

/** Real path of the program that runs: the bundle, or what was installed. A launcher (packaging/engine/launch.c) names itself as argv[0]. */
export const ownProgram = (): string => realpathSync((isBun ? process.argv0 : process.argv[1]) ?? '');
