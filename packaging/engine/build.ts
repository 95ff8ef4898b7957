/** Makes a program's executable and its launcher below DIR, where /usr has them: `node packaging/engine/build.ts ENTRY DIR NAME`. */
import { join } from 'node:path';
import { installExecutable } from './install.ts';

const [entry, directory, name] = process.argv.slice(2);
if (entry === undefined || directory === undefined || name === undefined) throw new Error('usage: build.ts ENTRY DIR NAME');
installExecutable({ entry, path: join(directory, 'bin', name), enginePath: join(directory, 'libexec/kata-containers', name) });
