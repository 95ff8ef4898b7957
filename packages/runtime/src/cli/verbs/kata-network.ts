import { KataError, UsageError } from '@kata-containers/common/errors/kata-error';
import { interfaceJson, parseInterface, parseRoutes, routeJson } from '../../agent/network-message.ts';
import { listInterfaces, listRoutes, updateInterface, updateRoutes } from '../../sandbox/guest-network.ts';
import { validateId } from '../../sandbox/validate-id.ts';
import { readInput } from '../read-input.ts';
import type { Verb } from '../verb.ts';

interface Action {
  /** Takes a file with JSON, "-" being stdin. */
  readonly takesFile: boolean;
  readonly run: (id: string, file: string) => Promise<object>;
}

const actions: Readonly<Record<string, Action>> = {
  'add-iface': { takesFile: true, run: async (id, file) => interfaceJson(await updateInterface(id, parseInterface(readInput(file)))) },
  'del-iface': {
    takesFile: true,
    run: () => Promise.reject(new KataError('interfaces cannot be taken from a running VM: its devices are those it was started with')),
  },
  'list-ifaces': { takesFile: false, run: async (id) => (await listInterfaces(id)).map(interfaceJson) },
  'list-routes': { takesFile: false, run: async (id) => (await listRoutes(id)).map(routeJson) },
  'update-routes': { takesFile: true, run: async (id, file) => (await updateRoutes(id, parseRoutes(readInput(file)))).map(routeJson) },
};

export const kataNetwork: Verb = {
  describe: (command) =>
    void command
      .argument('<action>', Object.keys(actions).join(', '))
      .argument('<container-id>')
      .argument('[file]', 'JSON of the interface (a device that the guest has, found by its HwAddr) or of the routes, "-" for stdin'),
  async run({ words: [name = '', id, file] }) {
    const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
    if (!action) throw new UsageError(`Expecting one of ${Object.keys(actions).join(', ')}, got "${name}"`);
    const container = validateId(id);
    if (action.takesFile && file === undefined) throw new UsageError(`${name} needs a file, or "-" for stdin`);
    console.log(JSON.stringify(await action.run(container, file ?? '')));
    return 0;
  },
};
