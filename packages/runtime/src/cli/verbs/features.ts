import { featureList } from '../feature-list.ts';
import type { Verb } from '../verb.ts';

export const features: Verb = {
  describe: () => {},
  run() {
    console.log(JSON.stringify(featureList, null, 4));
    return Promise.resolve(0);
  },
};
