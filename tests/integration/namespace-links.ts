/** Links in the network namespace of a RuntimeRig's container, as an engine adds them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { run } from '../support/run.ts';
import type { RuntimeRig } from './runtime-rig.ts';

/** Runs a command in the container's namespace, found as engines find it. */
export async function inNamespace({ scratch }: RuntimeRig, ...command: string[]): Promise<string> {
  const pid = readFileSync(scratch.file('pid'), 'latin1');
  const { code, stdout, stderr } = await run('nsenter', [`--net=/proc/${pid}/ns/net`, ...command]);
  assert.equal(code, 0, stderr);
  return stdout;
}

export async function addLink(rig: RuntimeRig, name: string, mac: string, address: string): Promise<void> {
  const ip = (...args: string[]): Promise<string> => inNamespace(rig, 'ip', ...args);
  await ip('link', 'add', name, 'address', mac, 'type', 'veth', 'peer', 'name', `${name}-peer`);
  await ip('link', 'set', `${name}-peer`, 'up');
  await ip('address', 'add', address, 'dev', name);
  await ip('link', 'set', name, 'up');
}
