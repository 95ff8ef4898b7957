/** Names of sandboxes: that of the container that the sandbox is made for, and where such a sandbox lives on without it, a number behind. Pure. */

/** No container id has it (`validateId`). */
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
