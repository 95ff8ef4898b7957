/**
 * Runs a packed program, and saves the code that V8 has compiled when the program ends, including functions that were compiled on their
 * first call: `train.ts PACKED NAME PATH ARGS…`. NAME is the file name of the text for V8, PATH the path of the program in argv. Code of
 * earlier runs is kept.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import v8 from 'node:v8';
import { Script } from 'node:vm';
import { pack, unpack } from './format.ts';
import type { Main } from './format.ts';

const [packed = '', filename = '', path = '', ...args] = process.argv.slice(2);
const { text, code } = unpack(readFileSync(packed));
const script = new Script(text, { filename, cachedData: code });

// The code must fit V8's flags, which have not changed since the start when the code is loaded.
v8.setFlagsFromString = () => {};
syncBuiltinESMExports();

process.on('exit', () => {
  writeFileSync(`${packed}.new`, pack({ text, code: script.createCachedData() }));
  renameSync(`${packed}.new`, packed);
});
process.argv = [process.execPath, path, ...args];
(script.runInThisContext() as Main)(process.getBuiltinModule);
