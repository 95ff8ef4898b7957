/** kata-proxy as a process, with the guest's end of its serial port and the console played by the test. */
import { existsSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { Component, Scratch, until } from './process.ts';

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

  /** Starts the proxy; the guest's end must be played already. */
  async start(...extra: string[]): Promise<Component> {
    const [listen, mux] = [`unix://${this.scratch.file('proxy.sock')}`, this.scratch.file('kata.sock')];
    const proxy = new Component('proxy/dist/kata-proxy.cjs', ['-listen-socket', listen, '-mux-socket', mux, '-sandbox', 'sb', ...extra]);
    this.#proxy = proxy;
    await until('the proxy listens', () => existsSync(this.scratch.file('proxy.sock')));
    return proxy;
  }

  /** Tries again for a moment: a socket is there a little before it listens. */
  async connect(): Promise<Socket> {
    let connected: Socket | undefined;
    await until('the proxy takes a connection', async () => {
      const socket = createConnection({ path: this.scratch.file('proxy.sock'), allowHalfOpen: true });
      const failed = new Promise((resolve) => socket.on('error', resolve)); // later ones are of a proxy that ends
      const isConnected = await Promise.race([
        new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true))),
        failed.then(() => false),
      ]);
      if (isConnected) connected = socket;
      return isConnected;
    });
    if (!connected) throw new Error('unreachable');
    this.#sockets.push(connected);
    return connected;
  }

  async stop(): Promise<void> {
    await this.#proxy?.kill();
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers) server.close();
    this.scratch.remove();
  }
}
