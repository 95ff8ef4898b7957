/** kata-proxy: one for each sandbox. It connects the agent's clients to QEMU's serial port. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runProxy } from './run-proxy.ts';

runMain((argv) => runProxy(argv, process.env));
