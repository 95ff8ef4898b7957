/** kata-ksm-throttler: merges equal memory hard after VMs appear, and lets it fade. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runThrottler } from './run-throttler.ts';

runMain((argv) => runThrottler(argv));
