/**
 * For Bun: keeps the engine busy while the main thread has entered another PID namespace for its next child, and no thread can be created.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { CLONE_NEWPID } from '@kata-containers/common/kernel/constants';

const OBJECTS = 400_000;
const WORK_MS = 1000;

const home = openSync('/proc/self/ns/pid', 'r');
linuxKernel.unshare(CLONE_NEWPID);
let kept = Array.from({ length: OBJECTS }, (_, index) => ({ text: `x${index}` }));
for (const end = Date.now() + WORK_MS; Date.now() < end;)
  kept = kept.slice(1).concat(JSON.parse(JSON.stringify(kept.slice(0, 1))) as typeof kept);
spawn('/bin/true', [], { stdio: 'ignore', detached: true }).unref();
linuxKernel.setns(home, CLONE_NEWPID);
closeSync(home);
console.log(kept.length);
