/** vc: the program of kata-vc-throttler.service. */
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { runMain } from '@kata-containers/common/process/run-main';
import { runVc } from './run-vc.ts';

runMain((argv) => runVc(argv, linuxKernel));
