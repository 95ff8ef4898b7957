/** Traces kata-proxy or kata-shim, if the runtime has set the environment variables for it. */
import type { Trace } from './trace.ts';
import { untraced } from './trace.ts';
import { PARENT_VARIABLE, parseTraceParent } from './trace-parent.ts';
import { SPAN_FILE_VARIABLE, openSpanFile, writeSpans } from './span-file.ts';

export interface ProcessTrace extends Trace {
  /** Ends the span of the process and writes all spans to the file of the process. */
  end(error?: unknown): void;
}

const off: ProcessTrace = { ...untraced, end: () => {} };

/** Call it before the process confines itself. Without the environment variables no code is loaded. Never fails. */
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
        // The file system is full: the trace is incomplete.
      }
    };
    return { step: (...step) => recorder.step(...step), call: (...call) => recorder.call(...call), end };
  } catch {
    return off; // the sandbox is being removed
  }
}
