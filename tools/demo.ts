/** Prints `uname -a` of a busybox container and of the host. The engine is removed afterwards. */
import { Engine } from '../tests/support/engine.ts';
import { run } from '../tests/support/run.ts';
import { kataRuntime } from '../tests/support/staged.ts';

const say = (text: string): void => console.log(`demo: ${text}`);

say('starting a private dockerd with --default-runtime=kata-runtime');
const engine = await Engine.start({ 'kata-runtime': kataRuntime }, 'kata-runtime');
let failed = true;
try {
  say('docker run busybox uname -a');
  const { stdout, stderr, code } = await engine.docker(['run', '--rm', 'busybox', 'uname', '-a']);
  const host = await run('uname', ['-a']);
  console.log(`\n  in the container: ${stdout.trim()}${stderr.trim()}\n  on the host:      ${host.stdout.trim()}\n`);
  failed = code !== 0;
} finally {
  say('cleaning up');
  await engine.stop();
}
say(failed ? 'the container did not run' : 'the kernels differ: the container ran in its own virtual machine');
process.exitCode = failed ? 1 : 0;
