import { featureList } from '../output/feature-list.ts';
import { print } from '../output/print.ts';
import type { Verb } from '../input/verb.ts';

export const features: Verb = {
  describe: () => {},
  run() {
    print(`${JSON.stringify(featureList, null, 4)}\n`);
    return Promise.resolve(0);
  },
};
