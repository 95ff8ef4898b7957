/** kata-ksm-throttler: merges equal memory aggressively after the start of a VM, and ever more slowly afterwards. */
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { runMain } from '@kata-containers/common/process/run-main';
import { runDaemon } from './daemon/run-daemon.ts';

runMain((argv) => runDaemon(argv, linuxKernel));
