/**
 * Plays virtiofsd for kata-runtime: `virtiofsd.ts MODE LOG VIRTIOFSD-ARGUMENTS…`. Serves one connection on the socket that it inherits as
 * fd 3, and exits at the end of the connection. Writes its arguments to LOG. MODE: `good` or `dies` (prints an error and exits).
 */
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [mode, log = '/dev/null', ...args] = process.argv.slice(2);
writeFileSync(log, args.join(' '));
if (mode === 'dies') {
  console.error('fuse: unknown option(s): `-o what`');
  process.exitCode = 1;
} else {
  const server = createServer((connection) => {
    connection.on('error', () => {}).on('close', () => process.kill(process.pid, 'SIGTERM'));
    connection.resume();
  });
  server.listen({ fd: 3 });
}
