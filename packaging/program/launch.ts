/**
 * Launcher of an installed program: runs the text in its packed file with the code that V8 compiled at packing (ADR 6). V8 rejects code
 * that does not fit this Node, and compiles the text as usual.
 */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { unpack } from './format.ts';
import type { Main } from './format.ts';

/** Path of the packed file; the bundler inserts it. */
declare const PACKED: string;

const { text, code } = unpack(readFileSync(PACKED));
const script = new Script(text, { filename: PACKED, cachedData: code });
(script.runInThisContext() as Main)(process.getBuiltinModule);
