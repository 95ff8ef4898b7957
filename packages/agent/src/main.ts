/** kata-agent: PID 1 of the guest (or a service on a host, for tests), the gRPC server that makes containers. */
import { runMain } from '@kata-containers/common/process/run-main';
import { runAgent } from './run-agent.ts';

runMain((argv) => runAgent(argv, process.env));
