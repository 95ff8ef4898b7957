/** A resource that a crash has left behind, and that no engine will remove. */
import { errorMessage } from '@kata-containers/common/errors/error-message';

export interface Leftover {
  /** Kind and name, for messages. */
  readonly what: string;
  /** The reason why no process uses it. */
  readonly why: string;
  /** @returns one line for each thing that could not be removed */
  readonly remove: () => Promise<string[]>;
}

/** Runs all `acts`, also after failures. @returns the messages of the failures */
export async function failuresOf(acts: readonly (() => unknown)[]): Promise<string[]> {
  const failures: string[] = [];
  for (const act of acts) {
    try {
      await act();
    } catch (error) {
      failures.push(errorMessage(error));
    }
  }
  return failures;
}
