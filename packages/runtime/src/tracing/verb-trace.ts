/** Traces one command of kata-runtime. Until `enable`, it records no spans and loads no code. */
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

  /** Has no effect if the caller does not record its own trace (flag `sampled` of W3C). */
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

  /** Continues the trace of the container's `create`. `directory` is the state directory of the container. */
  async join(directory: string, container: string): Promise<void> {
    const kept = readKeptTrace(directory);
    if (kept) await this.enable(kept);
    const parent = parseTraceParent(kept?.parent);
    if (parent) this.#enabled?.recorder.continue(parent);
    this.attach(dirname(directory), container);
  }

  /** Sets the sandbox: the command sends the spans of its processes. `directory` is its state directory. */
  attach(sandbox: string, container: string): void {
    this.#sandbox = sandbox;
    this.#enabled?.recorder.describe({ 'container.id': container });
  }

  /** The settings for later commands on the container; undefined without tracing. */
  get kept(): (TraceSettings & { readonly parent: string }) | undefined {
    return this.#enabled && { ...this.#enabled.settings, parent: this.#enabled.recorder.root };
  }

  /** Environment for a process of the sandbox, which makes its spans children of the running step. */
  environmentOf(sandbox: string): NodeJS.ProcessEnv {
    if (!this.#enabled) return {};
    const { recorder, files } = this.#enabled;
    const path = files.newSpanFile(sandbox);
    return path === undefined ? {} : { [PARENT_VARIABLE]: recorder.current, [files.SPAN_FILE_VARIABLE]: path };
  }

  /** Reads the spans of the sandbox's processes. Call it before the sandbox's files are removed. */
  take(): void {
    if (this.#enabled && this.#sandbox !== undefined) this.#enabled.taken.push(...this.#enabled.files.takeSpans(this.#sandbox));
  }

  /** Sends all spans. If the collector does not answer, the log has a warning and the command succeeds. */
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
