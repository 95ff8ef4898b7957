/** kata-ksm-throttler: merges equal memory hard after VMs appear, and lets it fade. */
import { runMain } from '@kata-containers/common/process/run-main';
import { staySmall } from '@kata-containers/common/process/stay-small';
import { runDaemon } from './daemon/run-daemon.ts';

staySmall();
runMain(runDaemon);
