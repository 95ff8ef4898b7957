/** A terminal as people have them: tmux, on a server of its own, whose screen can be looked at. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run, until } from './run.ts';
import type { Engine } from './engine.ts';

export class Tmux {
  readonly #engine: Engine;
  /** A new one for each session: the old one may still be ending. */
  #server = '';
  #sessions = 0;
  readonly #configuration: string;

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#configuration = join(engine.directory, 'screen.conf');
    writeFileSync(this.#configuration, 'set -g status off\n');
  }

  async #tmux(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(
      'tmux',
      ['-L', this.#server, '-f', this.#configuration, ...args],
      {},
      this.#engine.environment,
    );
    assert.equal(code, 0, stderr);
    return stdout;
  }

  open(command: string, columns = 100, rows = 30): Promise<string> {
    this.#server = `kata-screen-${process.pid}-${this.#sessions++}`;
    return this.#tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), command);
  }
  resize(columns: number, rows: number): Promise<string> {
    return this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }
  type(...keys: string[]): Promise<string> {
    return this.#tmux('send-keys', ...keys);
  }
  screen(): Promise<string> {
    return this.#tmux('capture-pane', '-p');
  }

  async shows(what: string, pattern: RegExp): Promise<void> {
    await until(what, async () => pattern.test(await this.screen())).catch(async (error: unknown) => {
      throw new Error(`the screen shows:\n${await this.screen()}`, { cause: error });
    });
  }

  async close(): Promise<void> {
    await run('tmux', ['-L', this.#server, 'kill-server']);
  }
}
