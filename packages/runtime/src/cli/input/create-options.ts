/** Options of both `create` and `run`. */
import type { Command } from 'commander';

export function describeCreate(command: Command): Command {
  return command
    .argument('<container-id>', 'unique id of the container')
    .option('-b, --bundle <dir>', 'bundle directory', '.')
    .option('--console <path>', 'pseudo terminal slave to use')
    .option('--console-socket <path>', 'unix socket that receives the master of the new terminal')
    .option('--pid-file <path>', 'file to write the process id to')
    .option('--pidfd-socket <path>', 'unix socket that receives a pidfd of the process')
    .option('--no-pivot', 'accepted')
    .option('--no-new-keyring', 'accepted')
    .option('--preserve-fds <n>', 'accepted: file descriptors cannot be passed into a VM');
}
