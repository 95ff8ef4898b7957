/** The client of /ksm.KSMThrottler/Kick. */
import { Client, credentials } from '@grpc/grpc-js';
import { KataError } from '@kata-containers/common/errors/kata-error';
import { KSMThrottlerDefinition } from '@kata-containers/common/generated/ksm';
import { grpcService } from '@kata-containers/common/grpc/service';

const DEADLINE_MS = 5000;

/** Sends one kick over a new connection, as 1.x does. @throws KataError when the daemon does not answer in time */
export function sendKick(socket: string, deadlineMs = DEADLINE_MS): Promise<void> {
  const client = new Client(`unix:${socket}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = grpcService(KSMThrottlerDefinition).kick;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, { deadline: Date.now() + deadlineMs }, (error) => {
      client.close();
      if (error) reject(new KataError(`kata-ksm-throttler does not answer on ${socket}: ${error.details}`, { cause: error }));
      else resolve();
    });
  });
}
