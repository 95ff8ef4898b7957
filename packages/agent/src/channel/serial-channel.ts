/** The virtio serial port of the guest that leads to the host: 1.x's `agent.channel.0`. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import { TimeoutError } from '@kata-containers/common/errors/kata-error';
import type { Logger } from '@kata-containers/common/logging/logger';
import { exposeCollect } from '@kata-containers/common/process/minor-gc-pacer';
import type { AgentServer } from '../service/server.ts';
import { serveConnection } from './serve-connection.ts';
import { VirtioPortStream } from './virtio-port-stream.ts';

const CHANNEL = 'agent.channel.0';
const PORTS = '/sys/class/virtio-ports';
/** 1.x's number of attempts and interval: the driver may still be probing the device. */
const SEARCH_MS = 50;
const SEARCHES = 200;

/** A console is a port without a name. */
function portName(directory: string, port: string): string {
  try {
    return readFileSync(`${directory}/${port}/name`, 'utf8').trim();
  } catch {
    return '';
  }
}

/** Device path of the port with the channel's name, or undefined. */
function findPort(directory: string): string | undefined {
  const ports = existsSync(directory) ? readdirSync(directory) : [];
  const port = ports.find((name) => portName(directory, name) === CHANNEL);
  return port === undefined ? undefined : `/dev/${port}`;
}

async function searchPort(): Promise<string> {
  for (let search = 0; search < SEARCHES; search++) {
    const path = findPort(PORTS);
    if (path !== undefined) return path;
    await sleep(SEARCH_MS);
  }
  throw new TimeoutError(`the serial port ${CHANNEL}`, SEARCH_MS * SEARCHES);
}

/**
 * Serves one proxy after the other; throws only in a guest without the port. Garbage is collected when the host has disconnected, because nobody
 * waits for the guest then: it is about to be saved as a template, whose clones would each collect this garbage, or it is about to end.
 */
export async function serveSerialChannel(server: AgentServer, log: Logger): Promise<never> {
  const path = await searchPort();
  const collect = exposeCollect();
  for (;;) {
    const port = await VirtioPortStream.open(path);
    log.info('the host has connected', { port: path });
    const reason = await serveConnection(port, server);
    log.info('the host has disconnected', { reason: reason === undefined ? 'end of file' : errorMessage(reason) });
    collect();
  }
}
