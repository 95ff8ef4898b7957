/** What runtime and agent agree on about the network devices of VM templates. */

/** How the hardware address of a device begins that a template has and no sandbox uses yet: locally administered, five bytes. */
export const spareLinkPrefix = '02:7e:3d:1a:00:';

/** Among the device handlers of GetGuestDetails: this agent gives a spare device the address that UpdateInterface names. */
export const spareLinkHandler = 'spare-link';
