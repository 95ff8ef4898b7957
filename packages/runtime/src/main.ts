/** kata-runtime: the OCI runtime that docker, podman, containerd and CRI-O call in place of runc. */
import { ownProgram } from '@kata-containers/common/process/own-program';
import { runMain } from '@kata-containers/common/process/run-main';
import { runCli } from './cli/run-cli.ts';

runMain((argv) => runCli(argv, { environment: process.env, program: ownProgram() }));
