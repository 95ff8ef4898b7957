/** Reports to an engine that the guest has OOM-killed a process of a container (oom-listener.ts). */
import { closeSync, openSync } from 'node:fs';
import { createConnection } from 'node:net';
import { KataError } from '@kata-containers/common/errors/kata-error';
import type { Envelope } from '@kata-containers/common/generated/containerd';
import { ForwardRequest, Request, TaskOOM } from '@kata-containers/common/generated/containerd';
import type { OomListener } from './oom-listener.ts';

/** Timeout: an engine that does not answer must not delay the end of the container. */
const ANSWER_TIMEOUT_MS = 2000;

/** ttrpc's frame (containerd/ttrpc, PROTOCOL.md): length, id of the stream, type, flags. */
const HEADER_BYTES = 10;
const FIRST_STREAM = 1;
const REQUEST_TYPE = 1;

/** The request in a frame: method Forward of containerd's service Events. */
export function oomEventFrame(namespace: string, containerId: string, timestamp: Date): Buffer {
  const value = Buffer.from(TaskOOM.encode({ container_id: containerId }).finish());
  const envelope: Envelope = { timestamp, namespace, topic: '/tasks/oom', event: { type_url: 'containerd.events.TaskOOM', value } };
  const payload = Buffer.from(ForwardRequest.encode({ envelope }).finish());
  const request = Request.encode({ service: 'containerd.services.events.ttrpc.v1.Events', method: 'Forward', payload }).finish();
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(request.length, 0);
  header.writeUInt32BE(FIRST_STREAM, 4);
  header.writeUInt8(REQUEST_TYPE, 8);
  return Buffer.concat([header, request]);
}

/** Resolves when containerd has answered, whatever the answer is. @throws KataError, Error of the socket */
function forward(socket: string, frame: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    connection.setTimeout(ANSWER_TIMEOUT_MS, () => connection.destroy(new KataError(`containerd does not answer at ${socket}`)));
    connection.once('data', () => {
      resolve();
      connection.destroy();
    });
    connection.on('end', () => connection.destroy());
    connection.on('error', reject);
    connection.on('close', () => reject(new KataError(`containerd has closed the connection at ${socket}`))); // no effect after an answer
    connection.write(frame);
  });
}

/** @throws KataError, Error of the file system or of the socket */
export async function reportOom(listener: OomListener, containerId: string): Promise<void> {
  if (listener.kind === 'conmon') for (const file of listener.files) closeSync(openSync(file, 'a', 0o666));
  else await forward(listener.socket, oomEventFrame(listener.namespace, containerId, new Date()));
}
