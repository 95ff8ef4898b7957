/** kata-proxy as a process, with the guest's end of its serial port and the console played by the test. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { connectSoon } from '../support/connect-soon.ts';
import { Component, PROXY, Scratch } from '../support/process.ts';
import { until } from '../support/until.ts';

export class ProxyRig {
  readonly scratch = new Scratch();
  readonly #servers: Server[] = [];
  readonly #sockets: Socket[] = [];
  #proxy: Component | undefined;

  /** Plays one of QEMU's sockets; resolves to its first connection. */
  listen(name: string, serve: (connection: Socket) => void): Promise<Socket> {
    return new Promise((resolve) => {
      const server = createServer({ allowHalfOpen: true }, (connection) => {
        this.#sockets.push(connection);
        connection.on('error', () => {});
        serve(connection);
        resolve(connection);
      });
      this.#servers.push(server.listen(this.scratch.file(name)));
    });
  }

  /** Starts the proxy; the test must already serve the guest's end. */
  async start(...extra: string[]): Promise<Component> {
    return this.#begin(new Component(PROXY, [...this.#args(), ...extra]));
  }

  /** Starts the proxy by `command`, which executes its last arguments. */
  async startAs(command: readonly string[], environment: NodeJS.ProcessEnv, ...extra: string[]): Promise<Component> {
    const program = join(import.meta.dirname, '../../packages', PROXY);
    return this.#begin(new Component('/usr/bin/env', [...command, program, ...this.#args(), ...extra], environment));
  }

  #args(): string[] {
    const [listen, mux] = [`unix://${this.scratch.file('proxy.sock')}`, this.scratch.file('kata.sock')];
    return ['-listen-socket', listen, '-mux-socket', mux, '-sandbox', 'sb'];
  }

  async #begin(proxy: Component): Promise<Component> {
    this.#proxy = proxy;
    await until('the proxy listens', () => existsSync(this.scratch.file('proxy.sock')));
    return proxy;
  }

  async connect(): Promise<Socket> {
    const socket = await connectSoon(this.scratch.file('proxy.sock'));
    this.#sockets.push(socket);
    return socket;
  }

  async stop(): Promise<void> {
    await this.#proxy?.kill();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    this.scratch.remove();
  }
}
