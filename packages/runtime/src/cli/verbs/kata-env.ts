import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { commit, version } from '@kata-containers/common/version';
import { componentVersion } from '../../host-check/component-version.ts';
import { agentVersionOf } from '../../host-check/agent-version.ts';
import { environmentInfo } from '../../host-check/environment-info.ts';
import { knownAccelerator } from '../../host-check/known-accelerator.ts';
import { hostFiles } from '../../host-check/host-files.ts';
import { readHost } from '../../host-check/read-host.ts';
import { goToml } from '../../host-check/go-toml.ts';
import { effectiveToml, effectiveValues } from '../output/effective-configuration.ts';
import { print } from '../output/print.ts';
import { printWarnings } from '../output/print-warnings.ts';
import type { HypervisorConfiguration } from '../../configuration/schema.ts';
import type { Verb } from '../input/verb.ts';
import { OCI_VERSION } from '../output/version-text.ts';

async function acceleratorText(hypervisor: HypervisorConfiguration): Promise<string> {
  const { accelerator, reason } = await knownAccelerator(hypervisor, linuxKernel);
  return reason === undefined ? accelerator : `${accelerator} (${reason})`;
}

export const kataEnv: Verb = {
  describe: (command) =>
    void command
      .option('--json', 'print JSON instead of TOML')
      .option('--effective', 'print each effective value of the configuration, and the file and line that set it'),
  async run({ options, configuration: load, host }) {
    const loaded = await load();
    printWarnings(loaded.warnings);
    if (options['effective'] === true) {
      print(options['json'] === true ? `${JSON.stringify(effectiveValues(loaded), null, 2)}\n` : effectiveToml(loaded));
      return 0;
    }
    const { configuration, path: configurationPath, files } = loaded;
    const { hypervisor, proxy, shim } = configuration;
    const info = environmentInfo({
      ...{
        configuration,
        configurationPath,
        dropIns: files.filter((file) => file !== configurationPath),
        program: host.program,
        version,
        commit,
        ociVersion: OCI_VERSION,
      },
      hypervisorVersion: componentVersion(hypervisor.path),
      proxyVersion: componentVersion(proxy.path),
      shimVersion: componentVersion(shim.path),
      agentVersion: agentVersionOf(hypervisor.image || hypervisor.initrd),
      accelerator: await acceleratorText(hypervisor),
      host: readHost({ files: hostFiles(), architecture: process.arch }),
    });
    print(options['json'] === true ? `${JSON.stringify(info, null, 2)}\n` : goToml(info));
    return 0;
  },
};
