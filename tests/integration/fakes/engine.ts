/**
 * Plays the process of an engine that inherits a container's processes, as containerd's shim: `engine.ts PID-FILE COMMAND…`. Runs the command,
 * which writes PID-FILE, and waits for the process of that pid. Prints the exit codes of both as JSON; null for one that it has not seen.
 */
import { existsSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { linuxKernel } from '../../../packages/common/src/kernel/linux-kernel.ts';

const [pidFile = '', program = '', ...args] = process.argv.slice(2);
/** Longer than a command and its process run. */
const TIMEOUT_MS = 10_000;
const codes = new Map<number, number | undefined>();

linuxKernel.becomeSubreaper();
const none = openSync('/dev/null', 'r+');
const command = linuxKernel.spawnProgram(program, { args, environment: process.env, stdio: [none, none, none] });
const shim = (): number => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'latin1')) : 0);
const deadline = Date.now() + TIMEOUT_MS;
while (!(codes.has(command) && codes.has(shim())) && Date.now() < deadline) {
  for (let pid = linuxKernel.peekExited(); pid !== undefined; pid = linuxKernel.peekExited()) codes.set(pid, linuxKernel.reap(pid));
  await sleep(10);
}
console.log(JSON.stringify([command, shim()].map((pid) => codes.get(pid) ?? null)));
