import type { Mount } from '@kata-containers/common/oci/spec';

/** Whether a mount binds a file or directory. The options decide as in runc: the type beside them may be anything (config.md, mounts). */
export const isBind = ({ type, options = [] }: Mount): boolean => type === 'bind' || options.includes('bind') || options.includes('rbind');
