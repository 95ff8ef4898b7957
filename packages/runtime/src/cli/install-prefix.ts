import { dirname, resolve } from 'node:path';

/** Where an installation looks for its configuration: /usr/bin/kata-runtime means the prefix "/". */
export const installPrefix = (program: string): string => resolve(dirname(program), '../..');
