/** What a crash of the host's processes has left: nobody will remove it. */
import { errorMessage } from '@kata-containers/common/errors/error-message';

export interface Leftover {
  /** Kind and name, for people. */
  readonly what: string;
  /** Why nobody uses it. */
  readonly why: string;
  /** @returns one line for each thing that stays */
  readonly remove: () => Promise<string[]>;
}

/** The failures of `acts`: each is tried, whatever the others did. */
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
