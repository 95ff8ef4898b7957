/** Keys in state files of earlier versions: their sandboxes still run after an upgrade. Pure. */
import { isPlainObject } from '../json/is-plain-object.ts';
import type { PlainObject } from '../json/is-plain-object.ts';

/** A key with the new name wins: the file was written by this version. */
function renamed(table: PlainObject, before: string, now: string): PlainObject {
  const { [before]: value, ...others } = table;
  return value === undefined ? table : { [now]: value, ...others };
}

/** The parsed file of a sandbox with the current names of all keys; other values are returned unchanged. */
export function withCurrentKeys(value: unknown): unknown {
  if (!isPlainObject(value)) return value;
  const state = renamed(value, 'Holder', 'CgroupContainer');
  const network = state['Network'];
  return isPlainObject(network) ? { ...state, Network: renamed(network, 'Told', 'GuestNetwork') } : state;
}
