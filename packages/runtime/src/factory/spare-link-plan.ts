/**
 * A template has network devices already, with addresses that mark them as unused: plugging one into a clone costs
 * the guest some hundred milliseconds. The agent gives a spare device the address that it is asked for and does not find.
 */
import { spareLinkPrefix } from '@kata-containers/common/agent-api/spare-link';

/** MAC address of the template's network device number `index`. */
export const spareMac = (index: number): string => `${spareLinkPrefix}${index.toString(16).padStart(2, '0')}`;
