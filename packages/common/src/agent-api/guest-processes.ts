/** What runtime and agent agree on about processes beside the containers. */

/** Stands for the guest itself in requests that name a container: no container can have this id. */
export const guestItself = '.guest';

/** Parameter of the kernel command line with which an agent runs such processes. */
export const debugShellParameter = 'agent.debug_shell';
