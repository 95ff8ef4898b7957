import { featureList } from '../feature-list.ts';
import { print } from '../print.ts';
import type { Verb } from '../verb.ts';

export const features: Verb = {
  describe: () => {},
  run() {
    print(`${JSON.stringify(featureList, null, 4)}\n`);
    return Promise.resolve(0);
  },
};
