import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { commit, version } from '@kata-containers/common/version';
import { componentVersion } from '../../host-check/component-version.ts';
import { agentVersionOf } from '../../host-check/agent-version.ts';
import { environmentInfo } from '../../host-check/environment-info.ts';
import { chooseAccelerator, isKvm, readCpuinfo } from '../../host-check/accelerator.ts';
import { rememberedProbe } from '../../host-check/kvm-probe.ts';
import { hostFiles } from '../../host-check/host-files.ts';
import { readHost } from '../../host-check/read-host.ts';
import { goToml } from '../../host-check/go-toml.ts';
import { effectiveToml, effectiveValues } from '../effective-configuration.ts';
import { print } from '../print.ts';
import { printWarnings } from '../print-warnings.ts';
import type { HypervisorConfiguration } from '../../configuration/schema.ts';
import type { Verb } from '../verb.ts';
import { OCI_VERSION } from '../version-text.ts';

/** Boots nothing: what the first container has found out counts. */
async function acceleratorText({ accelerator: configured, path, kernel }: HypervisorConfiguration): Promise<string> {
  const known = rememberedProbe(path, kernel);
  const choice = await chooseAccelerator(configured, {
    cpuinfo: readCpuinfo,
    kvmUsable: () => isKvm('/dev/kvm', linuxKernel),
    probe: () => Promise.resolve(known ?? true),
  });
  const isUntested = configured === 'auto' && choice.accelerator === 'kvm' && known === undefined;
  const remark = isUntested ? 'the first container tests it' : choice.reason;
  return remark === undefined ? choice.accelerator : `${choice.accelerator} (${remark})`;
}

export const kataEnv: Verb = {
  describe: (command) =>
    void command
      .option('--json', 'as JSON; TOML otherwise')
      .option('--effective', 'each value of the configuration that is in force, and the file and line that set it'),
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
