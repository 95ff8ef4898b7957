import { commit, version } from '@kata-containers/common/version';
import { componentVersion } from '../../host-check/component-version.ts';
import { environmentInfo } from '../../host-check/environment-info.ts';
import { hostFiles } from '../../host-check/host-files.ts';
import { readHost } from '../../host-check/read-host.ts';
import { goToml } from '../../host-check/go-toml.ts';
import { print } from '../print.ts';
import type { Verb } from '../verb.ts';
import { OCI_VERSION } from '../version-text.ts';

export const kataEnv: Verb = {
  describe: (command) => void command.option('--json', 'as JSON; TOML otherwise'),
  async run({ options, context, host }) {
    const { configuration, configurationPath } = await context();
    const { hypervisor, proxy, shim } = configuration;
    const info = environmentInfo({
      ...{ configuration, configurationPath, program: host.program, version, commit, ociVersion: OCI_VERSION },
      hypervisorVersion: componentVersion(hypervisor.path),
      proxyVersion: componentVersion(proxy.path),
      shimVersion: componentVersion(shim.path),
      host: readHost({ files: hostFiles(), architecture: process.arch }),
    });
    print(options['json'] === true ? `${JSON.stringify(info, null, 2)}\n` : goToml(info));
    return 0;
  },
};
