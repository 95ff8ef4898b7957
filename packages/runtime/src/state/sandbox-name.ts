/**
 * Names of sandboxes. A sandbox has the id of its first container. If an older sandbox with that name runs without its first container, a
 * number is appended. Pure.
 */

/** Separator of the number. No container id contains it (`validateId`). */
const SEPARATOR = '~';

/** The name of the `count`th sandbox of a container, counted from 1. */
export const sandboxName = (id: string, count: number): string => (count === 1 ? id : `${id}${SEPARATOR}${count}`);

/** Id of the container that the sandbox was made for: its first container. */
export const firstContainer = (sandboxId: string): string => sandboxId.split(SEPARATOR, 1)[0] ?? '';

export const isFirstContainer = (sandboxId: string, id: string): boolean => firstContainer(sandboxId) === id;

/** A container in its sandbox. */
export interface ContainerPlace {
  readonly sandboxId: string;
  readonly id: string;
}
