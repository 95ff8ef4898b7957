/** A kernel for tests: records each call and answers from a table. */
import type { Kernel } from './kernel.ts';

export type Call = readonly [name: string, ...values: unknown[]];

type Answers = { readonly [K in keyof Kernel]?: Kernel[K] };

/** Calls without an answer in `answers` return undefined. An answer may throw, like a kernel that refuses the call. */
export function recordingKernel(answers: Answers = {}): { kernel: Kernel; calls: Call[] } {
  const calls: Call[] = [];
  const kernel = new Proxy({} as Kernel, {
    get: (_, name: string) => {
      return (...values: unknown[]): unknown => {
        calls.push([name, ...values]);
        const answer = answers[name as keyof Kernel] as ((...values: unknown[]) => unknown) | undefined;
        return answer?.(...values);
      };
    },
  });
  return { kernel, calls };
}
