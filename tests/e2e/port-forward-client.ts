/**
 * kubectl port-forward by WebSocket: `port-forward-client.ts URL PORT`, with the URL of CRI's PortForward. Prints what the server sends, and
 * the engine's error on stderr.
 */
const [url = '', port = ''] = process.argv.slice(2);

/** Channels of v4.channel.k8s.io; the first message of each has the port, as two bytes. */
const streams = [process.stdout, process.stderr];
const begun = new Set<number>();

const socket = new WebSocket(`${url.replace(/^http/, 'ws')}?port=${port}`, 'v4.channel.k8s.io');
socket.binaryType = 'arraybuffer';
socket.addEventListener('message', ({ data }: MessageEvent) => {
  const bytes = Buffer.from(data as ArrayBuffer);
  const channel = bytes.readUInt8();
  if (begun.has(channel)) streams[channel]?.write(bytes.subarray(1));
  begun.add(channel);
});
socket.addEventListener('error', () => console.error('the connection failed'));
