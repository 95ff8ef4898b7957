/**
 * kata-deploy, in a privileged pod on each node: installs the tree in /opt/kata, gives the engine the handler `kata`, labels the node, and
 * undoes all of that.
 */
import { configureEngine, installTree, processesOfTree, removeTree, restartEngine, tryPrograms, unconfigureEngine } from './host.ts';
import { engineOfNode, labelNode } from './kubernetes-node.ts';
import { parseEngine } from './node-engine.ts';

const usage = `Usage: kata-deploy install | cleanup

install  install the tree in /opt/kata, configure and restart the node's engine, label the node, then wait
cleanup  undo all of that; the engine restarts last`;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const say = (text: string): void => console.log(`kata-deploy: ${text}`);

async function install(): Promise<void> {
  const engine = parseEngine(await engineOfNode());
  try {
    say('copying /opt/kata');
    installTree();
    say(tryPrograms().split('\n', 1)[0] ?? '');
    say(`configuring ${engine.name}`);
    configureEngine(engine);
    say(`restarting ${engine.unit}`);
    restartEngine(engine);
    await labelNode('true');
  } catch (error) {
    await cleanUp().catch((failure: unknown) => say(`cleanup has failed: ${textOf(failure)}`));
    throw error;
  }
  say('the node is ready for pods with runtimeClassName: kata');
}

async function cleanUp(): Promise<void> {
  await labelNode(null);
  const isChanged = unconfigureEngine();
  const pids = processesOfTree();
  if (pids.length > 0)
    say(`/opt/kata is kept: processes ${pids.slice(0, 20).join(', ')} run programs of it. Delete their pods, then run cleanup again`);
  else removeTree();
  if (!isChanged) return;
  const engine = parseEngine(await engineOfNode());
  say(`restarting ${engine.unit}`);
  restartEngine(engine); // last: it ends the connection of a preStop hook
}

/** Waits: the DaemonSet would start a container that ends again. */
function wait(): Promise<void> {
  const timer = setInterval(() => {}, 2 ** 31 - 1);
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      process.once(signal, () => {
        clearInterval(timer);
        resolve();
      });
  });
}

async function main(args: readonly string[]): Promise<void> {
  if (args.length === 1 && args[0] === 'install') {
    await install();
    await wait();
  } else if (args.length === 1 && args[0] === 'cleanup') await cleanUp();
  else {
    console.error(usage);
    process.exitCode = 2;
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(`kata-deploy: ${textOf(error)}`);
  process.exitCode = 1;
});
