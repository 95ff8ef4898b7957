/**
 * Wraps kata-runtime in a script that records the start and the end of each verb, and enables tracing to a file, for the timeline of one
 * `docker run`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { variant } from '../../tests/support/staged.ts';
import { readSteps, readVerbs } from './parse-trace.ts';
import type { DockerRun } from './docker-run.ts';

/** The container's output. */
const OUTPUT = 'here';

export class Tracer {
  readonly script: string;
  readonly traces: DockerRun[] = [];
  readonly #spans: string;
  readonly #verbs: string;

  constructor(directory: string) {
    this.script = join(directory, 'kata-timed');
    this.#spans = join(directory, 'trace.json');
    this.#verbs = join(directory, 'trace.verbs');
    const program = variant(directory, 'kata-traced', (toml) =>
      toml
        .replace(/^#?enable_tracing = false$/gm, 'enable_tracing = true')
        .replace(/^#?trace_endpoint = .*$/m, `trace_endpoint = "file://${this.#spans}"`),
    );
    const lines = [
      '#!/bin/sh',
      'begin=$(date +%s%3N)',
      `${program} "$@"`,
      'code=$?',
      `echo "$begin $(date +%s%3N) $*" >>${this.#verbs}`,
      'exit $code',
      '',
    ];
    writeFileSync(this.script, lines.join('\n'));
    chmodSync(this.script, 0o755);
  }

  /** Runs a container with the traced runtime. @throws Error when `docker run` fails */
  async run(environment: NodeJS.ProcessEnv, runtime: string): Promise<DockerRun> {
    for (const file of [this.#spans, this.#verbs]) rmSync(file, { force: true });
    const args = ['run', '--rm', '--runtime', runtime, 'busybox', 'echo', OUTPUT];
    const begin = Date.now();
    const docker = spawn('docker', args, { env: environment, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let firstOutput = 0;
    docker.stdout.once('data', () => void (firstOutput = Date.now()));
    const [code] = (await once(docker, 'exit')) as [number | null];
    const end = Date.now();
    if (code !== 0 || firstOutput === 0 || !existsSync(this.#spans)) throw new Error(`docker ${args.join(' ')}: exit code ${code}`);
    const verbs = readVerbs(readFileSync(this.#verbs, 'utf8'));
    const trace = { begin, end, firstOutput, verbs, steps: readSteps(readFileSync(this.#spans, 'utf8')) };
    this.traces.push(trace);
    return trace;
  }
}
