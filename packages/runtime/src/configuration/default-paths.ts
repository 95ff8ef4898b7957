import { join } from 'node:path';

/** Where the configuration is looked for when none is named: the administrator's, then the package's. `prefix` is "/" as a rule. */
export const defaultConfigurationPaths = (prefix: string): string[] => [
  join(prefix, 'etc/kata-containers/configuration.toml'),
  join(prefix, 'usr/share/defaults/kata-containers/configuration.toml'),
];
