/** /proc/cpuinfo (proc(5)). Pure. */

export interface CpuInfo {
  /** The fields of the first CPU, by key; x86 has `vendor_id`, `model name`, `flags`. */
  readonly fields: Readonly<Record<string, string>>;
  /** The lines of the first CPU. */
  readonly text: string;
}

/** @returns undefined for an empty text */
export function parseCpuinfo(file: string): CpuInfo | undefined {
  const text = (file.split('\n\n')[0] ?? '').trim();
  if (text === '') return undefined;
  const fields = text.split('\n').flatMap((line) => {
    const colon = line.indexOf(':');
    return colon < 0 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()] as const];
  });
  return { fields: Object.fromEntries(fields), text };
}

/** Whether `text` has `flag` as a whole word: "svm" is not in "svm_lock". */
export const hasFlag = (text: string, flag: string): boolean => new RegExp(`\\b${flag}\\b`).test(text);
