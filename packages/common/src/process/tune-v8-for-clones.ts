import { setFlagsFromString } from 'node:v8';

/** Tunes V8 in the agent, whose memory the clones of a VM share. The flags may be set at any time. */
export function tuneV8ForClones(): void {
  // The space for young objects keeps its initial size. V8 would let it grow to a hundred megabytes of the guest's memory while
  // many short processes are started, and would never shrink it.
  setFlagsFromString('--semi-space-growth-factor=1');
  // What was compiled stays: the clones of a warmed-up VM share it, and V8 would throw away what was not called for a while.
  setFlagsFromString('--no-flush-bytecode');
  // The warm-up of a template calls each function a few times. By default V8 caches property look-ups of a function only from its eighth
  // call on, and until then each look-up is a call of V8's runtime.
  setFlagsFromString('--no-lazy-feedback-allocation');
  // Half a minute after a collection V8 would do another, with other code, to make an idle heap smaller. For each clone that were 15 MiB of code
  // that an emulator translates, and memory that it no longer shares with its template. `--no-memory-reducer` is too late here.
  setFlagsFromString('--memory-reducer-gc-count=0');
}
