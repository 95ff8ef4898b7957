/**
 * A template has network devices with addresses that mark them as spare: hot-plugging one into a clone takes the guest some hundred
 * milliseconds. When no device has the address of a request, the agent sets it on a spare one.
 */
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';

/** MAC address of the template's network device number `index`. */
export const spareMac = (index: number): string => `${spareLinkPrefix}${index.toString(16).padStart(2, '0')}`;
