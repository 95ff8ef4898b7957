/** Options before the verb: 1.x's and runc's. */
import { Command, Option } from 'commander';

export function globalCommand(): Command {
  return new Command('kata-runtime')
    .usage('[global options] command [command options] [arguments...]')
    .description('Kata Containers runtime: runs OCI containers, each sandbox in a virtual machine of its own.')
    .option('--kata-config <path>', 'Kata Containers configuration file')
    .option('--kata-show-default-config-paths', 'print the default paths of the configuration, and exit')
    .option('--log <path>', 'log to this file', '/dev/null')
    .option('--log-format <format>', 'format of the log: text or json', 'text')
    .option('--root <dir>', 'accepted for compatibility with runc: the state is always in /run/vc', '/var/run/kata-containers')
    .option('--rootless <when>', 'accepted: auto, true or false', 'auto')
    .option('--systemd-cgroup', "accepted: the form of the container's cgroup path decides")
    .option('--criu <path>', 'accepted for compatibility with runc: checkpoints are not supported')
    .option('--debug', 'log everything')
    .addOption(new Option('-v, --version', 'print the version, and exit'))
    .helpOption('-h, --help', 'show help');
}
