/** kata-ksm-throttler: merges equal memory aggressively after VMs have appeared, and less and less after that. */
import { runMain } from '@kata-containers/common/process/run-main';
import { limitV8Memory } from '@kata-containers/common/process/limit-v8-memory';
import { runDaemon } from './daemon/run-daemon.ts';

limitV8Memory();
runMain(runDaemon);
