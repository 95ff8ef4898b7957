/** Finds the container that an argument names. An id that is found exactly always wins, and an id that is not found is returned as it is. */
import { UsageError } from '@kata-containers/common/errors/kata-error';
import { isTerminal } from '@kata-containers/common/process/is-terminal';
import { findByEngineName } from '../../sandbox/find-by-engine-name.ts';
import { validateId } from '../../sandbox/validate-id.ts';
import { findSandbox, listContainers } from '../../state/state-store.ts';
import type { Invocation } from './verb.ts';

/** An id that an engine has generated. */
const GENERATED = /^[0-9a-f]{64}$/;
const DIGITS = /^[0-9a-f]{1,63}$/;
/** Number of digits that `docker ps` and `podman ps` print. */
const SHORT_DIGITS = 12;
/** Fewer digits are often a name that a user has chosen: 1, 42, ab. */
const TYPED_DIGITS = 4;
const STDIN = 0;

/** @throws UsageError when several containers match */
function onlyOne(ids: readonly string[], problem: string): string | undefined {
  if (ids.length > 1) throw new UsageError(`${problem}: ${ids.join(', ')}`);
  return ids[0];
}

/** @throws UsageError when several ids begin with the argument */
function completed(argument: string, ids: readonly string[]): string | undefined {
  return onlyOne(ids.filter((id) => id.startsWith(argument)), `${argument} is the beginning of several container IDs`); // prettier-ignore
}

const allIds = (): string[] => listContainers().map(({ id }) => id);

/**
 * For commands that engines and scripts call, too: a beginning selects only an id that an engine has generated. Names must be complete,
 * because `delete --force a`, for a container that was deleted before, must not delete `ab`. A script's `delete --force 1` must not delete a
 * container whose generated id begins with 1: fewer than 12 digits are accepted from a terminal only, and at least 4.
 * @throws UsageError
 */
export function findId(argument: string | undefined, { isFromEngine }: Pick<Invocation, 'isFromEngine'>): string {
  const id = validateId(argument);
  if (isFromEngine || !DIGITS.test(id) || findSandbox(id) !== undefined) return id;
  if (id.length < (isTerminal(STDIN) ? TYPED_DIGITS : SHORT_DIGITS)) return id;
  return completed(id, allIds().filter((found) => GENERATED.test(found))) ?? id; // prettier-ignore
}

/** For the commands `kata-…`, which only people call: the unique beginning of any id, or the engine's name of a container. @throws UsageError */
export function findIdForPerson(argument: string | undefined): string {
  const id = validateId(argument);
  if (findSandbox(id) !== undefined) return id;
  return completed(id, allIds()) ?? onlyOne(findByEngineName(id), `${id} is the name of several containers`) ?? id;
}
