/** kata-proxy: one for each sandbox, between QEMU's serial port and everybody who talks to the agent. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runProxy } from './run-proxy.ts';

runMain((argv) => runProxy(argv, process.env));
