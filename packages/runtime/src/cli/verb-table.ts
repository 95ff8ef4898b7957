/** The verbs, each loaded when it is called. To add one: write verbs/NAME.ts and add a row. */
import type { Verb } from './input/verb.ts';

export interface VerbEntry {
  readonly summary: string;
  /** The first argument ends the options: the rest belongs to another program. */
  readonly stopAtArgument?: boolean;
  readonly load: () => Promise<Verb>;
}

export const verbTable: Readonly<Record<string, VerbEntry>> = {
  create: { summary: 'create a container', load: async () => (await import('./verbs/create.ts')).create },
  delete: { summary: 'delete containers and their resources', load: async () => (await import('./verbs/delete.ts')).deleteVerb },
  events: { summary: "print a container's statistics and events", load: async () => (await import('./verbs/events.ts')).events },
  exec: { summary: 'run a process in a container', stopAtArgument: true, load: async () => (await import('./verbs/exec.ts')).exec },
  features: { summary: 'print the features of this runtime as JSON', load: async () => (await import('./verbs/features.ts')).features },
  factory: {
    summary: 'make, show and remove VM templates, serve a VM cache',
    load: async () => (await import('./verbs/factory.ts')).factory,
  },
  'kata-check': {
    summary: 'test whether this machine can run Kata Containers',
    load: async () => (await import('./verbs/kata-check.ts')).kataCheck,
  },
  'kata-env': { summary: 'show settings and versions', load: async () => (await import('./verbs/kata-env.ts')).kataEnv },
  'kata-gc': { summary: 'remove what a crash has left', load: async () => (await import('./verbs/kata-gc.ts')).kataGc },
  'kata-logs': {
    summary: "print the logs of a sandbox's processes by time",
    load: async () => (await import('./verbs/kata-logs.ts')).kataLogs,
  },
  'kata-metrics': {
    summary: 'print or serve metrics of all sandboxes, as OpenMetrics text',
    load: async () => (await import('./verbs/kata-metrics.ts')).kataMetrics,
  },
  'kata-network': {
    summary: "list and change a guest's interfaces and routes",
    load: async () => (await import('./verbs/kata-network.ts')).kataNetwork,
  },
  'kata-oom': {
    summary: 'report an OOM kill in a container to its engine (internal)',
    load: async () => (await import('./verbs/kata-oom.ts')).kataOom,
  },
  'kata-overhead': {
    summary: 'show what sandboxes cost beyond their containers',
    load: async () => (await import('./verbs/kata-overhead.ts')).kataOverhead,
  },
  'kata-shell': {
    summary: 'run a shell in the guest, beside the container',
    stopAtArgument: true,
    load: async () => (await import('./verbs/kata-shell.ts')).kataShell,
  },
  'kata-top': { summary: 'show what each sandbox uses now', load: async () => (await import('./verbs/kata-top.ts')).kataTop },
  kill: { summary: "send a signal to a container's process", load: async () => (await import('./verbs/kill.ts')).kill },
  list: { summary: 'list containers', load: async () => (await import('./verbs/list.ts')).list },
  pause: { summary: 'suspend all processes of a container', load: async () => (await import('./verbs/pause.ts')).pause },
  ps: { summary: 'list the processes of a container', stopAtArgument: true, load: async () => (await import('./verbs/ps.ts')).ps },
  resume: { summary: 'resume all processes of a paused container', load: async () => (await import('./verbs/resume.ts')).resume },
  run: { summary: 'create and start a container', load: async () => (await import('./verbs/run.ts')).run },
  spec: { summary: 'write an example config.json', load: async () => (await import('./verbs/spec.ts')).spec },
  start: { summary: 'start created containers', load: async () => (await import('./verbs/start.ts')).start },
  state: { summary: "print a container's state", load: async () => (await import('./verbs/state.ts')).state },
  update: { summary: "change a container's limits", load: async () => (await import('./verbs/update.ts')).update },
  version: { summary: 'print the version', load: async () => (await import('./verbs/version.ts')).version },
};
