/**
 * Makes the executable of all programs that run on Bun, and their launchers, below DIR with the paths of /usr: `node
 * packaging/engine/build.ts DIR`.
 */
import { installEngine } from './install.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: build.ts DIR');
installEngine(directory);
