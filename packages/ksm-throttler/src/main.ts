/** kata-ksm-throttler: merges equal memory aggressively after the start of a VM, and ever more slowly afterwards. */
import { runMain } from '@kata-containers/common/process/run-main';
import { limitV8Memory } from '@kata-containers/common/process/limit-v8-memory';
import { runDaemon } from './daemon/run-daemon.ts';

limitV8Memory();
runMain(runDaemon);
