/** kata-agent: PID 1 of the guest (or a service on a host, for tests), the gRPC server that makes containers. */
import { setFlagsFromString } from 'node:v8';
import { runMain } from '@kata-containers/common/process/run-main';
import { runAgent } from './run-agent.ts';

// The space for young objects stays as it is at the start. V8 would let it grow to a hundred megabytes of the guest's memory
// while many short processes come and go, and give none of it back.
setFlagsFromString('--semi-space-growth-factor=1');
// What was compiled stays: the clones of a warmed-up VM share it, and V8 would throw away what was not called for a while.
setFlagsFromString('--no-flush-bytecode');
// Half a minute after a collection V8 would do another, with other code, to make an idle heap smaller. For each clone that were 15 MiB of code
// that an emulator translates, and memory that it no longer shares with its template. `--no-memory-reducer` is too late here.
setFlagsFromString('--memory-reducer-gc-count=0');

runMain((argv) => runAgent(argv, process.env));
