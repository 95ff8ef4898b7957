/** kata-proxy: one for each sandbox, between QEMU's serial port and everybody who talks to the agent. */
import { setFlagsFromString } from 'node:v8';
import { runMain } from '@kata-containers/common/process/run-main';
import { runProxy } from './run-proxy.ts';

// The proxy copies bytes: a small young generation keeps it small, and it never gets faster with a large one.
setFlagsFromString('--max-semi-space-size=1');
runMain((argv) => runProxy(argv));
