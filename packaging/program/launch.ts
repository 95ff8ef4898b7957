/**
 * What an installed program begins with: runs the text in its packed file with the code that V8 made of it when it was packed
 * (ADR 6). Code that does not fit this Node is left alone by V8, which then compiles the text as it would without.
 */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { unpack } from './format.ts';
import type { Main } from './format.ts';

/** Path of the packed file, put in by the bundler. */
declare const PACKED: string;

const { text, code } = unpack(readFileSync(PACKED));
const script = new Script(text, { filename: PACKED, cachedData: code });
(script.runInThisContext() as Main)(process.getBuiltinModule);
