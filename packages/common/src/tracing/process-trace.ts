/** The trace of kata-proxy or kata-shim, which the runtime asks for by the environment. */
import type { Trace } from './trace.ts';
import { untraced } from './trace.ts';
import { PARENT_VARIABLE, parseTraceParent } from './trace-parent.ts';
import { SPAN_FILE_VARIABLE, openSpanFile, writeSpans } from './span-file.ts';

export interface ProcessTrace extends Trace {
  /** Ends the span of the process and hands all spans over. */
  end(error?: unknown): void;
}

const off: ProcessTrace = { ...untraced, end: () => {} };

/** To be called before the process confines itself. Loads nothing without the environment's variables; never fails. */
export async function openProcessTrace(service: string, environment: NodeJS.ProcessEnv): Promise<ProcessTrace> {
  const path = environment[SPAN_FILE_VARIABLE];
  const parent = parseTraceParent(environment[PARENT_VARIABLE]);
  if (path === undefined || !parent) return off;
  const { SpanRecorder } = await import('./span-recorder.ts');
  try {
    const fd = openSpanFile(path);
    const recorder = new SpanRecorder({ service, name: service, parent, asksGuest: true });
    const end = (error?: unknown): void => {
      try {
        writeSpans(fd, recorder.end(error));
      } catch {
        // No room: the trace is incomplete.
      }
    };
    return { step: (...step) => recorder.step(...step), call: (...call) => recorder.call(...call), end };
  } catch {
    return off; // the sandbox is being removed
  }
}
