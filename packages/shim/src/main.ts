/** kata-shim: represents one process of a container on the host. It relays stdio and signals, and exits with the exit code of the process. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runShim } from './run-shim.ts';

runMain((argv) => runShim(argv, process.env));
