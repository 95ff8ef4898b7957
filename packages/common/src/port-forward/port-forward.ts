/**
 * A stream of proxy and agent that carries one TCP connection to a port of the guest's loopback address (docs/wire/port-forward.md). The
 * proxy opens the stream and sends `PORT_FORWARD_PREFACE` and the port as two bytes, big-endian. The bytes of the connection follow, in
 * both directions.
 */

/** As long as HTTP/2's preface, with which a gRPC stream to the agent begins. */
export const PORT_FORWARD_PREFACE = Buffer.from('KATA TCP RELAY 1\r\n\r\n\r\n\r\n');

export const PORT_BYTES = 2;

/** What the proxy sends first. */
export function encodePortForward(port: number): Buffer {
  const bytes = Buffer.alloc(PORT_BYTES);
  bytes.writeUInt16BE(port);
  return Buffer.concat([PORT_FORWARD_PREFACE, bytes]);
}
