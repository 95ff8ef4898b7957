import type { Plugin } from 'esbuild';

/**
 * commander loads node:child_process, and with it sockets and streams, for sub-commands that are separate programs. We have none,
 * and loading it takes a third of the time of `kata-runtime --version`. A plugin for esbuild, and for Bun, which has the same API.
 */
export const withoutSubprograms: Plugin = {
  name: 'without-subprograms',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:child_process$/ }, ({ importer, path }) =>
      /\/node_modules\/commander\//.test(importer) ? { path, namespace: 'left-out' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'export default {};', loader: 'js' }));
  },
};
