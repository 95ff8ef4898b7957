/** Constants of runtime and agent for processes outside of the containers. */

/** Container id in requests that refers to the guest itself: no container can have this id. */
export const guestItself = '.guest';

/** Parameter of the kernel command line that lets the agent start such processes. */
export const debugShellParameter = 'agent.debug_shell';

/** Parameter of the kernel command line that makes the agent run a shell on the guest's console. */
export const debugConsoleParameter = 'agent.debug_console';
