/**
 * Runs test files side by side, each by its own mocha in its own cell (cell.sh):
 *
 *   node tests/support/run-tests.ts [--jobs N] [--grep PATTERN] FILE…
 *
 * A file's output is printed when the file has ended. The failures are listed again at the end. The last line is `N passed, N failed`.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { deathsSince } from './kernel-log.ts';
import { failureList, slowestTable, sum } from './results.ts';
import type { Results } from './results.ts';

/** Minutes after which a file hangs. Files that run by hand are long. */
const limitOf = (file: string): number => (file.includes('by-hand/') ? 60 : 15);

const { values, positionals: files } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: String(availableParallelism()) }, grep: { type: 'string', short: 'g' } },
});
const jobs = Number(values.jobs);
if (!(jobs >= 1) || files.length === 0) throw new Error('usage: run-tests.ts [--jobs N] [--grep PATTERN] FILE…');

const scratch = mkdtempSync(join(tmpdir(), 'kata-tests-'));
const running = new Set<ChildProcess>();
/** What the kernel has killed while a file ran that has failed. */
const deaths: string[] = [];
let isInterrupted = false;

/** A file that ended without results counts as one failure. */
const crashed = (file: string, code: unknown): Results => ({
  passed: 0,
  failed: 1,
  skipped: 0,
  failures: [{ file, name: 'crashed', message: `mocha ended with code ${code}, without results` }],
  timings: [{ file, name: 'crashed', milliseconds: 0 }],
});

function resultsOf(file: string, path: string, code: unknown): Results {
  try {
    const results = JSON.parse(readFileSync(path, 'utf8')) as Results;
    return code === 0 || results.failed > 0 ? results : crashed(file, code);
  } catch {
    return crashed(file, code);
  }
}

async function runFile(file: string, index: number): Promise<Results> {
  const path = join(scratch, `${index}.json`);
  const mocha = ['mocha', '--reporter', join(import.meta.dirname, 'results-reporter.ts'), '--reporter-option', `results=${path}`];
  const args = [...mocha, ...(values.grep === undefined ? [] : ['--grep', values.grep]), file];
  const start = Date.now();
  // A separate process group: Ctrl-C reaches the cell only once, forwarded by this program.
  const child = spawn(join(import.meta.dirname, 'cell.sh'), args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  running.add(child);
  const output: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => output.push(chunk));
  const minutes = limitOf(file);
  const limit = setTimeout(() => {
    output.push(Buffer.from(`${file} has not ended within ${minutes} minutes and was killed\n`));
    child.kill('SIGTERM');
  }, minutes * 60_000);
  const [code] = await once(child, 'close');
  clearTimeout(limit);
  running.delete(child);
  const results = resultsOf(file, path, code);
  const text = Buffer.concat(output).toString();
  const count = `${results.passed} passed, ${results.failed} failed`;
  if (results.failed > 0) for (const line of deathsSince(start)) deaths.push(`kernel log while ${file} ran: ${line}`);
  if (results.passed + results.failed > 0) console.log(`== ${file}: ${count}, ${((Date.now() - start) / 1000).toFixed(0)} s\n${text}`);
  return results;
}

function interrupt(): void {
  isInterrupted = true;
  for (const child of running) child.kill('SIGTERM');
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt);

// Long files first: a long file that starts last would run alone at the end.
const queue = files.toSorted((a, b) => statSync(b).size - statSync(a).size).entries();
const all: Results[] = [];
try {
  const worker = async (): Promise<void> => {
    for (const [index, file] of queue) {
      if (isInterrupted) return;
      all.push(await runFile(file, index));
    }
  };
  await Promise.all(Array.from({ length: jobs }, worker));
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
const total = sum(all);
console.log(slowestTable(total).join('\n'));
for (const line of failureList(total)) console.log(line);
for (const line of deaths) console.log(line);
if (isInterrupted) console.log('interrupted');
console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ''}`);
process.exitCode = isInterrupted || total.failed > 0 || total.passed === 0 ? 1 : 0;
