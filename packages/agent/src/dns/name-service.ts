/** The guest's name server. It is loaded and started when a sandbox or a relay first needs it. */
import type { Duplex } from 'node:stream';
import { readNameFile } from '@kata-containers/common/dns/read-name-file';
import { namesDockerResolver } from '@kata-containers/common/dns/resolv-conf';
import { errorMessage } from '@kata-containers/common/errors/error-message';
import type { Logger } from '@kata-containers/common/logging/logger';
import type { NameServer } from './name-server.ts';

export class NameService {
  readonly #log: Logger;
  #server: Promise<NameServer | undefined> | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Resolves when queries are accepted. A failure is only logged: a guest without name resolution is better than no guest. */
  async start(): Promise<void> {
    await this.#started();
  }

  /** Like `start`, if the file at `resolvConf` names docker's resolver. Docker may write the file after the sandbox was created. */
  async startFor(resolvConf: string | undefined): Promise<void> {
    const isNamed = (): boolean => resolvConf !== undefined && namesDockerResolver((readNameFile(resolvConf) ?? '').split('\n'));
    if (this.#server || isNamed()) await this.start();
  }

  /** The stream of a relay. */
  connect(stream: Duplex): void {
    this.#started().then(
      (server) => (server ? server.connect(stream) : stream.destroy()),
      () => stream.destroy(),
    );
  }

  async close(): Promise<void> {
    const server = await this.#server;
    this.#server = undefined;
    server?.close();
  }

  #started(): Promise<NameServer | undefined> {
    this.#server ??= (async () => {
      try {
        const { NameServer } = await import('./name-server.ts');
        return await NameServer.start(this.#log);
      } catch (error) {
        this.#log.error("docker's names are not resolved in this guest", { reason: errorMessage(error) });
        return undefined;
      }
    })();
    return this.#server;
  }
}
