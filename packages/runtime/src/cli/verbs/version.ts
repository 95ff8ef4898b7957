import type { Verb } from '../verb.ts';
import { versionText } from '../version-text.ts';

export const version: Verb = {
  describe: () => {},
  run() {
    process.stdout.write(versionText());
    return Promise.resolve(0);
  },
};
