/**
 * Plays QEMU for kata-runtime: `qemu.ts MODE QEMU-ARGUMENTS…`. Opens the sockets that the arguments name and answers QMP.
 * MODE: `good`, `dies` (says why and ends), `crashes` (ends once its monitor was used), `silent` (no QMP greeting).
 */
import { createServer } from 'node:net';

const [mode = 'good', ...words] = process.argv.slice(2);
const paths = words.flatMap((word) => [...word.matchAll(/(?:unix:|path=)([^,]+\.sock)/g)].map(([, path]) => path ?? ''));

if (mode === 'dies') {
  console.error('qemu-system-x86_64: could not load kernel: it is not one');
  process.exitCode = 1;
} else {
  for (const path of paths) {
    createServer((connection) => {
      connection.on('error', () => {});
      if (!path.endsWith('qmp.sock')) return void connection.resume();
      if (mode === 'silent') return;
      connection.write('{"QMP": {"version": {}, "capabilities": []}}\r\n');
      connection.on('data', (chunk) => {
        for (const line of chunk.toString().trim().split('\n')) {
          const { execute, id } = JSON.parse(line) as { execute: string; id: number };
          connection.write(`{"return": {}, "id": ${id}}\r\n`);
          if (execute === 'quit' || mode === 'crashes') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10);
        }
      });
    }).listen(path);
  }
}
