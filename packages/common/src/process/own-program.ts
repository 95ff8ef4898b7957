import { realpathSync } from 'node:fs';
import { isBun } from './engine.ts';

/** Real path of the running program. The launcher of kata-runtime (packaging/engine/launch.c) passes its own path as argv[0]. */
export const ownProgram = (): string => realpathSync((isBun ? process.argv0 : process.argv[1]) ?? '');
