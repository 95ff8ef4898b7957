import { UsageError } from '@kata-containers/common/errors/kata-error';
import { validateId } from '../../sandbox/validate-id.ts';
import { findSandbox, listContainers } from '../../state/state-store.ts';

/** Number of digits of an id that `docker ps` and `podman ps` print. */
const SHORT = /^[0-9a-f]{12,63}$/;
/** An id that an engine has generated. Other names are never abbreviated: `delete a` must not remove `ab`. */
const LONG = /^[0-9a-f]{64}$/;

/**
 * The container that an argument names: by its id, or by its first 12 or more digits if they are unique.
 * An id that is not found is returned as it is.
 * @throws UsageError
 */
export function findId(argument: string | undefined): string {
  const id = validateId(argument);
  if (!SHORT.test(id) || findSandbox(id) !== undefined) return id;
  const matches = listContainers().flatMap((container) => (LONG.test(container.id) && container.id.startsWith(id) ? [container.id] : []));
  if (matches.length > 1) throw new UsageError(`${id} is the beginning of several container IDs: ${matches.join(', ')}`);
  return matches[0] ?? id;
}
