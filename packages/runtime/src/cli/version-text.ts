import { commit, version } from '@kata-containers/common/version';

/** Version of the OCI runtime specification whose config.json is understood. */
export const OCI_VERSION = '1.0.2';

/** 1.x's three lines, and the words that CRI-O and podman look for. */
export const versionText = (): string => `kata-runtime  : ${version}\n   commit   : ${commit}\n   OCI specs: ${OCI_VERSION}\n`;
