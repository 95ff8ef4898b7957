/** kata-shim: stands for one process of a container; its stdio, signals and exit code are that process'. */
import { setFlagsFromString } from 'node:v8';
import { runMain } from '@kata-containers/common/process/run-main';
import { runShim } from './run-shim.ts';

// There is a shim for each process on the host: a small young generation keeps it small.
setFlagsFromString('--max-semi-space-size=1');
runMain((argv) => runShim(argv));
