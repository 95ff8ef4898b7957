import { runMain } from '@kata-containers/common/process/run-main';
import { runKicker } from './run-kicker.ts';

runMain(runKicker);
