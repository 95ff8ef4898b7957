/** kata-shim: represents one process of a container on the host. It has the process's stdio, signals and exit code. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runShim } from './run-shim.ts';

runMain((argv) => runShim(argv, process.env));
