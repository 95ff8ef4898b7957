/** vc: what kata-vc-throttler.service runs. */
import { runMain } from '@kata-containers/common/process/run-main';
import { staySmall } from '@kata-containers/common/process/stay-small';
import { runVc } from './run-vc.ts';

staySmall();
runMain(runVc);
