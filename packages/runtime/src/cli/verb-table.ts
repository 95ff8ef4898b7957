/** The verbs, each loaded when it is called. To add one: write verbs/NAME.ts and add a row. */
import type { Verb } from './verb.ts';

export interface VerbEntry {
  readonly summary: string;
  readonly load: () => Promise<Verb>;
}

export const verbTable: Readonly<Record<string, VerbEntry>> = {
  create: { summary: 'create a container', load: async () => (await import('./verbs/create.ts')).create },
  delete: { summary: 'delete containers and what they hold', load: async () => (await import('./verbs/delete.ts')).deleteVerb },
  exec: { summary: 'run a process in a container', load: async () => (await import('./verbs/exec.ts')).exec },
  factory: { summary: 'make, show and remove VM templates', load: async () => (await import('./verbs/factory.ts')).factory },
  kill: { summary: "send a signal to a container's process", load: async () => (await import('./verbs/kill.ts')).kill },
  list: { summary: 'list containers', load: async () => (await import('./verbs/list.ts')).list },
  run: { summary: 'create and start a container', load: async () => (await import('./verbs/run.ts')).run },
  start: { summary: 'start created containers', load: async () => (await import('./verbs/start.ts')).start },
  state: { summary: "print a container's state", load: async () => (await import('./verbs/state.ts')).state },
};
