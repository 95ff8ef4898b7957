/** A terminal with a readable screen: tmux, on its own server. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../support/run.ts';
import { until } from '../support/until.ts';
import type { Engine } from '../support/engine.ts';

export class Tmux {
  readonly #engine: Engine;
  /** The server's socket. A new socket for each session: the old server may still be ending. */
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
      ['-S', this.#server, '-f', this.#configuration, ...args],
      {},
      this.#engine.environment,
    );
    assert.equal(code, 0, stderr);
    return stdout;
  }

  open(command: string, columns = 100, rows = 30): Promise<string> {
    this.#server = join(this.#engine.directory, `tmux-${this.#sessions++}`);
    return this.#tmux('new-session', '-d', '-x', String(columns), '-y', String(rows), command);
  }
  resize(columns: number, rows: number): Promise<string> {
    return this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }
  /**
   * Changes the size until the screen matches. docker 20.10 may not set the first size of an exec'd process, and misses a change of the
   * size before it watches for changes; the output of the process does not show when it does.
   */
  async resizeUntil(columns: number, rows: number, what: string, pattern: RegExp): Promise<void> {
    await until(what, async () => {
      await this.resize(columns, rows + 1);
      await this.resize(columns, rows);
      return until(what, async () => pattern.test(await this.screen()), 1000).then(
        () => true,
        () => false,
      );
    }).catch(async (error: unknown) => {
      throw new Error(`the screen shows:\n${await this.screen()}`, { cause: error });
    });
  }
  type(...keys: string[]): Promise<string> {
    return this.#tmux('send-keys', ...keys);
  }
  /**
   * The screen's text. A shell asks the terminal for the place of its cursor (ESC [ 6 n). The terminal's answer is echoed when it arrives
   * after the shell has started a command, with runc too; it is not part of any program's output, so it is removed.
   */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).replaceAll(/\^\[\[\d+;\d+R/g, '');
  }

  async shows(what: string, pattern: RegExp): Promise<void> {
    await until(what, async () => pattern.test(await this.screen())).catch(async (error: unknown) => {
      throw new Error(`the screen shows:\n${await this.screen()}`, { cause: error });
    });
  }

  async close(): Promise<void> {
    await run('tmux', ['-S', this.#server, 'kill-server']);
  }
}
