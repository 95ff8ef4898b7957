/** kata-shim: stands for one process of a container; its stdio, signals and exit code are that process'. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runShim } from './run-shim.ts';

runMain((argv) => runShim(argv, process.env));
