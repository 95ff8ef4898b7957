import { print } from '../print.ts';
import type { Verb } from '../verb.ts';
import { versionText } from '../version-text.ts';

export const version: Verb = {
  describe: () => {},
  run() {
    print(versionText());
    return Promise.resolve(0);
  },
};
