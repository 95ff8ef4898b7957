import { print } from '../output/print.ts';
import type { Verb } from '../input/verb.ts';
import { versionText } from '../output/version-text.ts';

export const version: Verb = {
  describe: () => {},
  run() {
    print(versionText());
    return Promise.resolve(0);
  },
};
