/** A server on Bun: Bun's own servers accept connections whose timer wakes the process up each second (event-poll-bun.ts). */
import { closeSync } from 'node:fs';
import { descriptorCalls } from './descriptor-calls.ts';
import { eventPoll } from './event-poll-bun.ts';
import type { PollableStream } from './pollable-options.ts';
import { openPollableStream } from './pollable-stream.ts';

/** Pause after an error: without free fds, the waiting connection would be reported again and again. */
const RETRY_MS = 100;
/** Connections that are accepted in one turn of the event loop, so that other streams are served. */
const ACCEPTS_A_TURN = 16;

export interface Accepting {
  /** Most open connections. Further ones are closed at once. */
  readonly most: number;
  readonly onConnection: (connection: PollableStream) => void;
  /** A connection could not be accepted; another attempt follows. */
  readonly onError: (error: unknown) => void;
}

/** Owns and closes the listening socket `socket`. @returns stops the server; connections continue */
export function acceptConnections(socket: number, { most, onConnection, onError }: Accepting): () => void {
  let open = 0;
  let isClosed = false;
  const take = (connection: number): void => {
    if (open >= most) return closeSync(connection);
    const stream = openPollableStream(connection);
    open++;
    stream.once('close', () => open--);
    onConnection(stream);
  };
  const takeSome = (): void => {
    try {
      for (let turn = 0; turn < ACCEPTS_A_TURN; turn++) {
        const connection = descriptorCalls.acceptConnection(socket);
        if (connection === undefined) break;
        take(connection);
      }
      wait();
    } catch (error) {
      onError(error);
      setTimeout(wait, RETRY_MS);
    }
  };
  const wait = (): void => {
    if (!isClosed) eventPoll().wait(socket, 'read', takeSome);
  };
  descriptorCalls.setNonBlocking(socket, true);
  wait();
  return () => {
    if (isClosed) return;
    isClosed = true;
    eventPoll().cancel(socket, 'read');
    closeSync(socket);
  };
}
