/**
 * Runs a packed program, and keeps the code that V8 has made of it when it ends, also of functions that were called only then:
 * `train.ts PACKED NAME PATH WORDS…`, where NAME is what V8 takes the text's file to be, and PATH what the program takes itself to be
 * called by. Code of earlier runs is kept.
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

// Code must fit V8's flags, which are still as at the start when it is taken in.
v8.setFlagsFromString = () => {};
syncBuiltinESMExports();

process.on('exit', () => {
  writeFileSync(`${packed}.new`, pack({ text, code: script.createCachedData() }));
  renameSync(`${packed}.new`, packed);
});
process.argv = [process.execPath, path, ...args];
(script.runInThisContext() as Main)(process.getBuiltinModule);
