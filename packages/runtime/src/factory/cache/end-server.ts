/** Ends the VM cache server for `factory destroy`. */
import { identifyProcess } from '@kata-containers/common/process/process-identity';
import { waitForEnd } from '../../processes/end-process.ts';
import { withCacheServer } from './request-vm.ts';

/** Milliseconds in which the server ends: it first finishes the VM that it is making, which locks a template. */
const END_MS = 90_000;

/**
 * Requests the end of the server at `endpoint` and waits for it.
 * @returns the pid of a server that still runs after `timeoutMs`
 * @throws KataError when no server listens or answers
 */
export async function endCacheServer(endpoint: string, timeoutMs = END_MS): Promise<number | undefined> {
  const { server, failure } = await withCacheServer(endpoint, async (call) => {
    const { pid } = await call('status');
    const server = identifyProcess(Number(pid));
    // A busy server may end before its answer is sent.
    const failure = await call('quit').then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    return { server, failure };
  });
  if (!server || (await waitForEnd(server, timeoutMs))) return undefined;
  if (failure) throw failure.error;
  return server.pid;
}
