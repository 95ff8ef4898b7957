/** Summarizes the checks: whether Kata Containers runs on this host. Pure. */
import type { AcceleratorChoice } from './accelerator.ts';
import type { Check } from './check-installation.ts';

export interface Verdict {
  readonly verdict: 'fast' | 'emulation' | 'cannot-run';
  /** For people: the result, then one line for each problem. */
  readonly text: string;
}

const problemLine = ({ name, detail, remedy }: Check): string =>
  `  ${name}: ${detail}${remedy === undefined ? '' : `\n    to fix it: ${remedy}`}`;

/** How to enable KVM. */
const KVM_REMEDY = 'enable VT-x or AMD-V in the firmware (in a VM: on its host)';

/** `choice` is undefined when no configuration could be read. */
export function verdictOf(checks: readonly Check[], choice: AcceleratorChoice | undefined): Verdict {
  const failed = checks.filter(({ status }) => status === 'failed');
  if (failed.length > 0 || !choice) {
    const lines = ['Kata Containers cannot run here:', ...failed.map(problemLine)];
    return { verdict: 'cannot-run', text: lines.join('\n') };
  }
  const warnings = checks.filter(({ status }) => status === 'warning').map((check) => `\n${problemLine(check)}`);
  if (choice.accelerator === 'kvm')
    return { verdict: 'fast', text: `Kata Containers runs here with KVM, at full speed.${warnings.join('')}` };
  const reason = choice.reason ?? 'accelerator = "tcg" in the configuration';
  const remedy = choice.reason === undefined ? 'set accelerator = "auto" in [hypervisor.qemu]' : KVM_REMEDY;
  const kvm: Check = { name: 'KVM', status: 'warning', detail: reason, remedy };
  return {
    verdict: 'emulation',
    text: `Kata Containers runs here by emulation, many times slower than with KVM:\n${problemLine(kvm)}${warnings.join('')}`,
  };
}
