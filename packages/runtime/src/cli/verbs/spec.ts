import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorCode } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { exampleSpec } from '../../bundle/example-spec.ts';
import { textOption } from '../input/verb.ts';
import type { Verb } from '../input/verb.ts';

const FILE = 'config.json';

export const spec: Verb = {
  describe: (command) => void command.option('-b, --bundle <dir>', 'directory to write config.json to', '.'),
  run({ options }) {
    const path = join(textOption(options, 'bundle') ?? '.', FILE);
    if (existsSync(path)) throw new KataError(`File ${FILE} exists. Remove it first`);
    try {
      writeFileSync(path, JSON.stringify(exampleSpec, null, '\t'), { mode: 0o640, flag: 'wx' });
    } catch (error) {
      throw new KataError(`${path} cannot be written (${errorCode(error) ?? 'unknown'})`);
    }
    return Promise.resolve(0);
  },
};
