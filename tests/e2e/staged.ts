import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The staged installation that the tests run against: made by `npm test`, or named by KATA_STAGE. */
export const stage = resolve(process.env['KATA_STAGE'] ?? join(import.meta.dirname, '../../.cache/stage'));
export const kataRuntime = join(stage, 'usr/bin/kata-runtime');

if (!existsSync(kataRuntime)) throw new Error(`${kataRuntime} is missing: run "npm run stage -- ${stage}"`);
