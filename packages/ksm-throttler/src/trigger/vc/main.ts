/** vc: the program of kata-vc-throttler.service. */
import { runMain } from '@kata-containers/common/process/run-main';
import { limitV8Memory } from '@kata-containers/common/process/limit-v8-memory';
import { runVc } from './run-vc.ts';

limitV8Memory();
runMain(runVc);
