import type { Plugin } from 'esbuild';

/**
 * commander loads node:child_process, and with it sockets and streams, for sub-commands that are programs of their own. There are
 * none here, and that is a third of the time that `kata-runtime --version` takes. A plugin for esbuild, and for Bun, which has the same calls.
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
