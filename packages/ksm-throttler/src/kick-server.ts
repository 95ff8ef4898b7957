/** The socket that triggers kick: /ksm.KSMThrottler/Kick. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import type { sendUnaryData } from '@grpc/grpc-js';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Empty } from '@kata-containers/common/generated/google/protobuf/empty';
import { KSMThrottlerDefinition } from '@kata-containers/common/generated/ksm';
import { grpcService } from '@kata-containers/common/grpc/service';

/** Listens on `path`, in place of a socket that a dead daemon left. @throws KataError */
export async function serveKicks(path: string, kick: () => void): Promise<Server> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  rmSync(path, { force: true });
  const server = new Server();
  server.addService(grpcService(KSMThrottlerDefinition), {
    kick: (_call: unknown, answer: sendUnaryData<Empty>) => {
      try {
        kick();
        answer(null, {});
      } catch (error) {
        answer({ code: status.INTERNAL, details: errorMessage(error) });
      }
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix://${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(new KataError(`cannot listen on ${path}`, { cause: error })) : resolve(),
    ),
  );
  chmodSync(path, 0o660);
  return server;
}
