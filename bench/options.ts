/** The command line of `npm run bench`. */
import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly quick: boolean;
  /** Names of rows; empty: all rows. */
  readonly only: readonly string[];
  readonly runs: number;
  /** Seconds after which no sample is started. */
  readonly seconds: number;
  readonly json?: string;
  readonly svg?: string;
  readonly help: boolean;
}

export const usage = `npm run bench -- [options]
  --quick       fewer runs, no rows with 30 containers, at most 5 minutes
  --only ROW…   only these rows, even if --quick skips them
  --runs N      runs of each row and runtime, 1 to 100
  --json FILE   also write the results, every sample and the timeline as JSON
  --svg FILE    also draw a timeline of one "docker run"`;

const FULL = { runs: 5, seconds: 18 * 60 };
const QUICK = { runs: 2, seconds: 4 * 60 };

/** @throws TypeError or Error for an unknown option or an invalid number of runs */
export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true, // rows after --only
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { quick, json, svg, help } = values;
  const only = [...values.only, ...positionals];
  if (positionals.length > 0 && values.only.length === 0) throw new Error(`${positionals[0]} is not an option: write rows after --only`);
  const { runs, seconds } = quick ? QUICK : FULL;
  const count = values.runs === undefined ? runs : Number(values.runs);
  if (!Number.isInteger(count) || count < 1 || count > 100) throw new Error(`--runs must be 1 to 100, not "${values.runs}"`);
  return { quick, only, runs: count, seconds, help, ...(json !== undefined && { json }), ...(svg !== undefined && { svg }) };
}

/** The number of rounds of `bench/confinement.ts`. @throws Error for arguments other than one number from 1 to 1000 */
export function parseRounds(argv: readonly string[], preset: number): number {
  const rounds = argv.length === 0 ? preset : Number(argv[0]);
  if (argv.length > 1 || !Number.isInteger(rounds) || rounds < 1 || rounds > 1000)
    throw new Error(`usage: confinement.ts [ROUNDS], 1 to 1000, by default ${preset}`);
  return rounds;
}

/** The machine in the results: guests are emulated for sure if the machine has no KVM. */
export const machineName = (cores: number, hasKvm: boolean): string => `${cores} cores${hasKvm ? '' : ', emulated guests (TCG)'}`;
