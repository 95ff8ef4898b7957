/**
 * Makes the executable of the host's programs, or of the agent, and the launchers below DIR with the paths of /usr:
 * `node packaging/engine/build.ts host|agent DIR`.
 */
import { installAgent, installEngine } from './install.ts';

const [kind, directory] = process.argv.slice(2);
if ((kind !== 'host' && kind !== 'agent') || directory === undefined) throw new Error('usage: build.ts host|agent DIR');
if (kind === 'host') installEngine(directory);
else installAgent(directory);
