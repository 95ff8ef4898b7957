/** The guest's current interfaces and routes. Loaded by the first request. */
import type { Interface, Route } from '@kata-containers/common/generated/types';
import { runProgram } from '../processes/program.ts';
import type { Reaper } from '../processes/reaper.ts';
import { parseInterfaces, parseRoutes } from './parse-ip-json.ts';

export async function listInterfaces(reaper: Reaper): Promise<Interface[]> {
  return parseInterfaces(await runProgram(reaper, 'ip', ['-json', 'address', 'show']));
}

/** Routes of both families. ip prints nothing for a family without routes. */
export async function listRoutes(reaper: Reaper): Promise<Route[]> {
  const of = async (family: string): Promise<Route[]> =>
    parseRoutes((await runProgram(reaper, 'ip', [family, '-json', 'route', 'show'])) || '[]');
  return [...(await of('-4')), ...(await of('-6'))];
}
