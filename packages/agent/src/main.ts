/** kata-agent: PID 1 of the guest (or a service on a host, for tests), the gRPC server that makes containers. */
import { runMain } from '@kata-containers/common/process/run-main';
import { tuneV8ForClones } from '@kata-containers/common/process/tune-v8-for-clones';
import { runAgent } from './run-agent.ts';

tuneV8ForClones();
runMain((argv) => runAgent(argv, process.env));
