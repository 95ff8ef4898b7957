/** Without node:crypto, which Bun takes 2 ms of CPU time to load. */
export const randomBytes = (count: number): Buffer => Buffer.from(crypto.getRandomValues(new Uint8Array(count)));
