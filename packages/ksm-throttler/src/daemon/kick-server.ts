/** The socket on which triggers call /ksm.KSMThrottler/Kick. */
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { sendUnaryData } from '@grpc/grpc-js';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Empty } from '@kata-containers/common/generated/google/protobuf/empty';
import { KSMThrottlerDefinition } from '@kata-containers/common/generated/ksm';
import { grpcService } from '@kata-containers/common/grpc/service';

/** The socket's directory, with 1.x's mode. */
export const makeDirectory = (socket: string): void => void mkdirSync(dirname(socket), { recursive: true, mode: 0o750 });

/** Listens on `path` and replaces the socket of a dead daemon. @returns a function that closes the server. @throws KataError */
export async function serveKicks(path: string, kick: () => void): Promise<() => void> {
  rmSync(path, { force: true });
  const server = new Server();
  server.addService(grpcService(KSMThrottlerDefinition), {
    kick: (_call: unknown, answer: sendUnaryData<Empty>) => {
      kick();
      answer(null, {});
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(new KataError(`cannot listen on ${path}: ${error.message}`, { cause: error })) : resolve(),
    ),
  );
  chmodSync(path, 0o660);
  return () => {
    server.forceShutdown();
    rmSync(path, { force: true });
  };
}
