/** The trace of one command of kata-runtime. Until it is enabled, it records nothing and has loaded nothing. */
import { dirname } from 'node:path';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import type * as SpanFiles from '@kata-containers/common/tracing/span-file';
import type { Span } from '@kata-containers/common/tracing/span';
import type { SpanRecorder } from '@kata-containers/common/tracing/span-recorder';
import type { Trace, TracedCall } from '@kata-containers/common/tracing/trace';
import { PARENT_VARIABLE, parseTraceParent } from '@kata-containers/common/tracing/trace-parent';
import { readKeptTrace } from './trace-settings.ts';
import type { TraceSettings } from './trace-settings.ts';

interface Enabled {
  readonly settings: TraceSettings;
  readonly recorder: SpanRecorder;
  readonly files: typeof SpanFiles;
  /** Spans of other processes. */
  readonly taken: Span[];
}

export class VerbTrace implements Trace {
  readonly #verb: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #log: Logger;
  #enabled: Enabled | undefined;
  /** State directory of the sandbox. */
  #sandbox: string | undefined;

  /** `environment` of the engine: its TRACEPARENT is the parent of the command's span. */
  constructor(verb: string, environment: NodeJS.ProcessEnv, log: Logger) {
    this.#verb = verb;
    this.#environment = environment;
    this.#log = log;
  }

  step<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    return this.#logged(name, async () => (this.#enabled ? this.#enabled.recorder.step(name, act) : act()));
  }

  call<T>(name: string, act: (additions: TracedCall) => Promise<T>): Promise<T> {
    return this.#logged(name, () => (this.#enabled ? this.#enabled.recorder.call(name, act) : act({})));
  }

  /** Does nothing for a caller that does not record its own trace (W3C's flag `sampled`). */
  async enable(settings: TraceSettings): Promise<void> {
    const parent = parseTraceParent(this.#environment[PARENT_VARIABLE]);
    if (this.#enabled || parent?.isSampled === false) return;
    const { SpanRecorder } = await import('@kata-containers/common/tracing/span-recorder');
    const files = await import('@kata-containers/common/tracing/span-file');
    const recorder = new SpanRecorder({
      service: 'kata-runtime',
      name: `kata-runtime ${this.#verb}`,
      parent,
      asksGuest: settings.agent,
    });
    this.#enabled = { settings, recorder, files, taken: [] };
  }

  /** Continues the trace of the container's `create`, whose state is in `directory`. */
  async join(directory: string, container: string): Promise<void> {
    const kept = readKeptTrace(directory);
    if (kept) await this.enable(kept);
    const parent = parseTraceParent(kept?.parent);
    if (parent) this.#enabled?.recorder.continue(parent);
    this.attach(dirname(directory), container);
  }

  /** Names the sandbox, by its state directory, whose processes' spans the command sends. */
  attach(sandbox: string, container: string): void {
    this.#sandbox = sandbox;
    this.#enabled?.recorder.describe({ 'container.id': container });
  }

  /** For later commands on the container; undefined without tracing. */
  get kept(): (TraceSettings & { readonly parent: string }) | undefined {
    return this.#enabled && { ...this.#enabled.settings, parent: this.#enabled.recorder.root };
  }

  /** Environment of a process of the sandbox that is to continue the running step. */
  environmentOf(sandbox: string): NodeJS.ProcessEnv {
    if (!this.#enabled) return {};
    const { recorder, files } = this.#enabled;
    const path = files.newSpanFile(sandbox);
    return path === undefined ? {} : { [PARENT_VARIABLE]: recorder.current, [files.SPAN_FILE_VARIABLE]: path };
  }

  /** Takes the spans of the sandbox's processes, before their files are removed with the sandbox. */
  take(): void {
    if (this.#enabled && this.#sandbox !== undefined) this.#enabled.taken.push(...this.#enabled.files.takeSpans(this.#sandbox));
  }

  /** Sends all spans. A collector that does not answer is a warning: it must not make the command fail. */
  async finish(error?: unknown): Promise<void> {
    if (!this.#enabled) return;
    this.take();
    const { settings, recorder, taken } = this.#enabled;
    try {
      const { sendSpans } = await import('./send-spans.ts');
      await sendSpans(settings.endpoint, [...recorder.end(error), ...taken]);
    } catch (failure) {
      this.#log.warn('the trace was not sent', { trace_endpoint: settings.endpoint, reason: errorMessage(failure) });
    }
  }

  /** Logs the duration of a step at debug level, also when the step fails: `enable_debug` shows the steps without a collector. */
  async #logged<T>(step: string, act: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await act();
    } finally {
      this.#log.debug('step', { step, ms: Math.round(performance.now() - start) });
    }
  }
}
