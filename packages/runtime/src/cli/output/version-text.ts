import { commit, version } from '@kata-containers/common/version';

/** Version of the OCI runtime specification that is implemented. */
export const OCI_VERSION = '1.0.2';

/** 1.x's three lines, then runc's: dockerd, containerd and podman match "NAME version", "commit:" and "spec:" at the start of a line. */
export const versionText = (): string =>
  `kata-runtime  : ${version}\n   commit   : ${commit}\n   OCI specs: ${OCI_VERSION}\n` +
  `kata-runtime version ${version}\ncommit: ${commit}\nspec: ${OCI_VERSION}\n`;
