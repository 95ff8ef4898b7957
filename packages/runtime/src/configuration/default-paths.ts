import { join } from 'node:path';

/** Default paths of the configuration: the administrator's, then the package's. `prefix` is usually "/". */
export const defaultConfigurationPaths = (prefix: string): string[] => [
  join(prefix, 'etc/kata-containers/configuration.toml'),
  join(prefix, 'usr/share/defaults/kata-containers/configuration.toml'),
];
