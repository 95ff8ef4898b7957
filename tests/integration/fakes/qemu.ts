/**
 * Plays QEMU for kata-runtime: `qemu.ts MODE QEMU-ARGUMENTS…`. Opens the sockets that the arguments name and answers QMP, with one of four
 * CPUs, 2 GiB of memory, and hot-plugged devices. The guest's agent listens at once. MODE: `good`,
 * `dies` (prints an error and exits), `denied` (killed as if by its seccomp filter), `crashes` (exits once its monitor was used), `silent`
 * (no QMP greeting), `keeps` (the guest releases no device), or a command that is refused. The commands are written to qemu.log beside the
 * socket of the monitor.
 */
import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { openFiles } from '../../support/proc-files.ts';

const [mode = 'good', ...args] = process.argv.slice(2);
const paths = args.flatMap((word) => [...word.matchAll(/(?:unix:|path=)([^,]+\.sock)/g)].map(([, path]) => path ?? ''));

const GIB = 2 ** 30;
/** Until the agent listens. */
const LISTENS_MS = 300;
interface Command {
  readonly execute: string;
  readonly id: number;
  readonly arguments?: Readonly<Record<string, unknown>>;
}

/** Sockets with a CPU: true for the CPU from the start, otherwise the device's id. */
const cpus: (string | true | undefined)[] = [true, undefined, undefined, undefined];
const backends = new Map<string, number>();
const dimms = new Map<string, string>();

/** Network devices by their id: the netdev of each. A device of the command line has no id; QEMU chooses its name. */
const cards = new Map<string, string>(
  args.flatMap((arg) => {
    const [, netdev] = /virtio-net-pci,.*netdev=([^,]+)/.exec(arg) ?? [];
    return netdev === undefined ? [] : [[`card-of-${netdev}`, netdev] as const];
  }),
);
/** Block nodes of disks. */
const nodes = new Set<string>();

const cpuRow = (cpu: string | true | undefined, socket: number): object => ({
  type: 'max-x86_64-cpu',
  props: { 'socket-id': socket, 'core-id': 0, 'thread-id': 0, 'node-id': 0 },
  ...(cpu !== undefined && { 'qom-path': cpu === true ? '/machine/unattached/device[0]' : `/machine/peripheral/${cpu}` }),
});

/** The file of the state. Node drops fds that it receives on a socket, so the file is found among the fds of the runtime. */
function stateFile(): string {
  const found = openFiles(process.ppid).find(({ path }) => path.endsWith('/state.tmp'));
  return `/proc/${process.ppid}/fd/${found?.fd}`;
}

let sets = 0;

const answers: Readonly<Record<string, (values: Readonly<Record<string, unknown>>) => unknown>> = {
  'query-hotpluggable-cpus': () => cpus.map(cpuRow).reverse(),
  'query-memory-size-summary': () => ({ 'base-memory': 2 * GIB }),
  'query-memory-devices': () => [...dimms].map(([, backend], slot) => ({ type: 'dimm', data: { slot, size: backends.get(backend) } })),
  'query-migrate': () => ({ status: 'completed' }),
  migrate: () => writeFileSync(stateFile(), 'state'),
  'add-fd': () => ({ 'fdset-id': sets++, fd: 100 }),
  'query-cpus-fast': () => [{ 'thread-id': process.pid }],
  'object-add': ({ id, size }) => void backends.set(String(id), Number(size)),
  'object-del': ({ id }) => void backends.delete(String(id)),
  device_add: ({ driver, id, ...rest }) => {
    if (driver === 'pc-dimm') dimms.set(String(id), String(rest['memdev']));
    else if (driver === 'virtio-net-pci') cards.set(String(id), String(rest['netdev']));
    else if (driver === 'max-x86_64-cpu') cpus[Number(rest['socket-id'])] = String(id);
  },
  'blockdev-add': ({ 'node-name': name }) => void nodes.add(String(name)),
  'blockdev-del': ({ 'node-name': name }) => void nodes.delete(String(name)),
  'query-named-block-nodes': () => [...nodes].map((name) => ({ 'node-name': name })),
  'qom-list': ({ path }) =>
    path === '/machine/peripheral'
      ? [...cards.keys()].map((name) => ({ name, type: 'child<virtio-net-pci>' }))
      : [{ name: 'type', type: 'string' }],
  'qom-get': ({ path }) => cards.get(String(path).split('/').pop() ?? ''),
  device_del: ({ id }) => {
    if (mode === 'keeps') return;
    const socket = cpus.indexOf(String(id));
    if (socket >= 0) cpus[socket] = undefined;
  },
};

function serveMonitor(path: string): void {
  createServer((connection) => {
    connection.on('error', () => {});
    if (mode === 'silent') return;
    const send = (message: object): void => void connection.write(`${JSON.stringify(message)}\r\n`);
    send({ QMP: { version: {}, capabilities: [] } });
    connection.on('data', (chunk) => {
      for (const line of chunk.toString().trim().split('\n')) {
        const { execute, id, arguments: values = {} } = JSON.parse(line) as Command;
        appendFileSync(path.replace('qmp.sock', 'qemu.log'), `QMP ${execute} ${JSON.stringify(values)}\n`);
        if (execute === mode) send({ error: { class: 'GenericError', desc: 'QEMU says no' }, id });
        else send({ return: answers[execute]?.(values) ?? {}, id });
        if (execute === 'qmp_capabilities') setTimeout(() => send({ event: 'VSERPORT_CHANGE', data: { open: true } }), LISTENS_MS);
        if (execute === 'device_del' && mode !== 'keeps')
          send({ event: 'DEVICE_DELETED', data: { path: values['id'], device: values['id'] } });
        if (execute === 'quit' || mode === 'crashes') setTimeout(() => process.kill(process.pid, 'SIGKILL'), 10);
      }
    });
  }).listen(path);
}

if (mode === 'denied') process.kill(process.pid, 'SIGSYS');
else if (mode === 'dies') {
  console.error('qemu-system-x86_64: could not load kernel: it is not one');
  process.exitCode = 1;
} else {
  for (const path of paths) {
    if (!path.endsWith('vhost-fs.sock')) rmSync(path, { force: true }); // as QEMU does
    if (path.endsWith('qmp.sock')) serveMonitor(path);
    else if (path.endsWith('vhost-fs.sock'))
      createConnection(path).on('error', () => {}); // further clients wait for this client
    else
      createServer((connection) => {
        connection.on('error', () => {});
        connection.resume();
      }).listen(path);
  }
}
