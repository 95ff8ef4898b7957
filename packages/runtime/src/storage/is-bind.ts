import type { Mount } from '@kata-containers/common/oci/spec';

/** Whether a mount is a bind mount. The options decide, as in runc: the type may be anything (config.md, mounts). */
export const isBind = ({ type, options = [] }: Mount): boolean => type === 'bind' || options.includes('bind') || options.includes('rbind');
