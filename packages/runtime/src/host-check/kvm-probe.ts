/** Boots the guest kernel with KVM, without a root file system: it panics and QEMU ends, or KVM does not work. Remembered until reboot. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A KVM guest panics within a second; one that does not run at all uses the whole time. */
const PROBE_TIMEOUT_MS = 10_000;
const RESULT = '/run/kata-containers/kvm-probe.json';

/** Result of the probe for this QEMU and kernel; both are part of the question. */
const key = (binary: string, kernel: string): string =>
  [binary, kernel].map((path) => `${path} ${statSync(path).mtimeMs} ${statSync(path).size}`).join('\n');

function remembered(probeKey: string): boolean | undefined {
  try {
    const found = JSON.parse(readFileSync(RESULT, 'utf8')) as { key: string; works: boolean };
    return found.key === probeKey ? found.works : undefined;
  } catch {
    return undefined;
  }
}

async function boot(binary: string, kernel: string): Promise<boolean> {
  const machine = ['-machine', 'pc,accel=kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-no-user-config', '-nographic', '--no-reboot'];
  const words = [...machine, '-serial', 'stdio', '-kernel', kernel, '-append', 'console=ttyS0 panic=-1 reboot=t'];
  const child = spawn(binary, words, { stdio: ['ignore', 'pipe', 'ignore'], timeout: PROBE_TIMEOUT_MS, killSignal: 'SIGKILL' });
  let spoke = false;
  child.stdout.on('data', () => (spoke = true));
  const [code] = (await once(child, 'close').catch(() => [1])) as [number | null];
  return code === 0 && spoke;
}

export async function probeKvm(binary: string, kernel: string): Promise<boolean> {
  const probeKey = key(binary, kernel);
  const known = remembered(probeKey);
  if (known !== undefined) return known;
  const works = await boot(binary, kernel);
  mkdirSync(dirname(RESULT), { recursive: true, mode: 0o750 });
  writeFileSync(RESULT, JSON.stringify({ key: probeKey, works }), { mode: 0o600 });
  return works;
}
