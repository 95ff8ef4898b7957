/** Constants of runtime and agent for the network devices of VM templates. */

/** Prefix of the hardware address of a template's network device that no sandbox uses yet: locally administered, five bytes. */
export const spareLinkPrefix = '02:7e:3d:1a:00:';

/** A device handler in GetGuestDetails: this agent sets the address of a spare device to the one that UpdateInterface names. */
export const spareLinkHandler = 'spare-link';
