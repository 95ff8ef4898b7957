import { dirname, resolve } from 'node:path';

/** The prefix of the installation's configuration: "/" for /usr/bin/kata-runtime. */
export const installPrefix = (program: string): string => resolve(dirname(program), '../..');
