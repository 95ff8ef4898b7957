import type { Storage } from '@kata-containers/common/generated/agent';

/** Whether the storage ends with the guest: a directory or a tmpfs. */
export const isInMemory = ({ driver }: Storage): boolean => driver === 'local' || driver === 'ephemeral';
