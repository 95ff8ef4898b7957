/** kata-shim: stands for one process of a container; its stdio, signals and exit code are that process'. */
import { runMain } from '@kata-containers/common/process/run-main';
import { staySmall } from '@kata-containers/common/process/stay-small';
import { runShim } from './run-shim.ts';

staySmall();
runMain((argv) => runShim(argv));
