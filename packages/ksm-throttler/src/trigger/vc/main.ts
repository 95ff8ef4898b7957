/** vc: what kata-vc-throttler.service runs. */
import { runMain } from '@kata-containers/common/process/run-main';
import { limitV8Memory } from '@kata-containers/common/process/limit-v8-memory';
import { runVc } from './run-vc.ts';

limitV8Memory();
runMain(runVc);
