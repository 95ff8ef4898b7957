import { sanitizeJson } from '@kata-containers/common/errors/guest-text';
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { interfaceJson, parseInterface, parseRouteList, routeJson } from '../../agent/network-message.ts';
import type { Context } from '../../context/context.ts';
import { addInterface, listInterfaces, listRoutes, removeInterface, updateRoutes } from '../../sandbox/guest-network.ts';
import { syncNetwork } from '../../sandbox/sync-network.ts';
import { findIdForPerson } from '../input/find-id.ts';
import { print } from '../output/print.ts';
import { readInput } from '../input/read-input.ts';
import type { Verb } from '../input/verb.ts';

interface Action {
  /** Whether the action reads a JSON file; "-" is stdin. */
  readonly takesFile: boolean;
  readonly run: (id: string, file: string, context: () => Promise<Context>) => Promise<object>;
}

const actions: Readonly<Record<string, Action>> = {
  'add-iface': {
    takesFile: true,
    run: async (id, file, context) => interfaceJson(await addInterface(await context(), id, parseInterface(readInput(file)))),
  },
  'del-iface': {
    takesFile: true,
    run: async (id, file, context) => interfaceJson(await removeInterface(await context(), id, parseInterface(readInput(file)))),
  },
  'list-ifaces': { takesFile: false, run: async (id) => (await listInterfaces(id)).map(interfaceJson) },
  'list-routes': { takesFile: false, run: async (id) => (await listRoutes(id)).map(routeJson) },
  sync: {
    takesFile: false,
    run: async (id, _file, context) => {
      await syncNetwork(await context(), id);
      return {};
    },
  },
  'update-routes': { takesFile: true, run: async (id, file) => (await updateRoutes(id, parseRouteList(readInput(file)))).map(routeJson) },
};

export const kataNetwork: Verb = {
  describe: (command) =>
    void command
      .argument('<action>', Object.keys(actions).join(', '))
      .argument('<container-id>')
      .argument('[file]', 'JSON file with the interface (Device is a link of the network namespace) or the routes; "-" for stdin'),
  async run({ args: [name = '', id, file], context }) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action) throw new UsageError(`Expecting one of ${Object.keys(actions).join(', ')}, got "${name}"`);
    const container = findIdForPerson(id);
    if (action.takesFile && file === undefined) throw new UsageError(`${name} needs a file, or "-" for stdin`);
    print(`${sanitizeJson(JSON.stringify(await action.run(container, file ?? '', context)))}\n`);
    return 0;
  },
};
