/** kata-runtime: what docker, podman, containerd and CRI-O call in place of runc. */
import { realpathSync } from 'node:fs';
import { runMain } from '@kata-containers/common/process/run-main';
import { runCli } from './cli/run-cli.ts';

runMain((argv) => runCli(argv, { environment: process.env, program: realpathSync(process.argv[1] ?? '') }));
