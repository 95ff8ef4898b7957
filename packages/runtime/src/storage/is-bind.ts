import type { Mount } from '@kata-containers/common/oci/spec';

/** Whether a mount is a bind mount. As in runc, the options are decisive: the type may have any value (config.md, mounts). */
export const isBind = ({ type, options = [] }: Mount): boolean => type === 'bind' || options.includes('bind') || options.includes('rbind');
