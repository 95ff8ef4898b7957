/** Boots the guest kernel with KVM, without a root file system: if KVM works, it panics and QEMU ends. The result is kept until reboot. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** With KVM the guest panics within a second, or after many seconds on a host that is a slow VM itself, and writes to its console meanwhile. */
const SILENCE_MS = 10_000;
const LONGEST_MS = 60_000;
const RESULT = '/run/kata-containers/kvm-probe.json';

/** File with the result of the probe for this QEMU and kernel. */
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

/** True when the guest ran to its end. A guest without output for `silenceMs` does not run. */
export async function bootsWithKvm(binary: string, kernel: string, silenceMs = SILENCE_MS): Promise<boolean> {
  const machine = ['-machine', 'pc,accel=kvm', '-cpu', 'host', '-m', '256', '-nodefaults', '-no-user-config', '-nographic', '--no-reboot'];
  const args = [...machine, '-serial', 'stdio', '-kernel', kernel, '-append', 'console=ttyS0 panic=-1 reboot=t'];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'ignore'], timeout: LONGEST_MS, killSignal: 'SIGKILL' });
  const silence = setTimeout(() => child.kill('SIGKILL'), silenceMs);
  let spoke = false;
  child.stdout.on('data', () => {
    spoke = true;
    silence.refresh();
  });
  const [code] = (await once(child, 'close').catch(() => [1])) as [number | null];
  clearTimeout(silence);
  return code === 0 && spoke;
}

/** Result of the last probe for this QEMU and kernel; undefined before the first. */
export const rememberedProbe = (binary: string, kernel: string): boolean | undefined => remembered(key(binary, kernel));

export async function probeKvm(binary: string, kernel: string): Promise<boolean> {
  const probeKey = key(binary, kernel);
  const known = remembered(probeKey);
  if (known !== undefined) return known;
  const works = await bootsWithKvm(binary, kernel);
  mkdirSync(dirname(RESULT), { recursive: true, mode: 0o750 });
  writeFileSync(RESULT, JSON.stringify({ key: probeKey, works }), { mode: 0o600 });
  return works;
}
