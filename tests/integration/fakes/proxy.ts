/**
 * Plays kata-proxy and the agent behind it: `proxy.ts FAILING-CALL LOG PROXY-ARGUMENTS…`. Refuses the named call and answers all others;
 * exits at once for `dies`. Writes one line per call to LOG. A file LOG.refuses names another call to refuse. While a file LOG.hold exists,
 * the call that it names waits. With an empty file LOG.hostile, answers are those of a hostile guest; if the file contains `long CALL` or
 * `broken CALL`, only the answer to that call is hostile.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, status } from '@grpc/grpc-js';
import {
  AgentServiceDefinition,
  GuestDetailsResponse,
  Interfaces,
  ListProcessesResponse,
  OOMEvent,
  Routes,
  StatsContainerResponse,
} from '../../../packages/common/src/generated/agent.ts';
import { HealthDefinition } from '../../../packages/common/src/generated/health.ts';
import { grpcService } from '../../../packages/common/src/grpc/service.ts';

const [failing, log = '/dev/null', ...args] = process.argv.slice(2);
const listen = args[args.indexOf('-listen-socket') + 1] ?? '';

/** Answers that are not empty. The first container of the sandbox runs out of memory once. */
const answers: Readonly<Record<string, (request: Readonly<Record<string, unknown>>) => object | Promise<object>>> = {
  check: () => ({ status: 1 }),
  getGuestDetails: () =>
    GuestDetailsResponse.fromPartial({
      mem_block_size_bytes: 128n << 20n,
      agent_details: { supports_seccomp: true, device_handlers: ['spare-link'] },
    }),
  createContainer: (request) => {
    container = String(request['container_id']);
    return {};
  },
  listProcesses: ({ format, args }) => {
    const text = format === 'json' ? '[71,72]' : `PID ${(args as string[]).join(' ')}\n71 sh\n`;
    return ListProcessesResponse.fromPartial({ process_list: Buffer.from(text) });
  },
  waitProcess: () => ({ status: 0 }),
  readStdout: () => ({ data: Buffer.alloc(0) }),
  readStderr: () => ({ data: Buffer.alloc(0) }),
  statsContainer: () =>
    StatsContainerResponse.fromPartial({ cgroup_stats: { memory_stats: { usage: { usage: 4096n, limit: 2n ** 64n - 1n } } } }),
  getOOMEvent: () => {
    const container_id = container;
    container = '';
    return container_id === '' ? new Promise(() => {}) : OOMEvent.fromPartial({ container_id });
  },
  listInterfaces: () => Interfaces.fromPartial({ Interfaces: [{ device: 'eth0', name: 'eth0', mtu: 1500n, hwAddr: '02:00:00:00:00:02' }] }),
  updateInterface: ({ interface: given }) => given as object,
  listRoutes: () => Routes.fromPartial({ Routes: [{ gateway: '10.0.0.1', device: 'eth0' }] }),
  updateRoutes: ({ routes }) => routes as object,
};
let container = '';

/** Answers of a hostile guest. */
const hostileAnswers: typeof answers = {
  listProcesses: ({ format }) =>
    ListProcessesResponse.fromPartial({
      process_list: Buffer.from(format === 'json' ? '[1,"\x1b[2J"]' : 'PID\n71 \x1b]0;pwned\x07\u202esh\n'),
    }),
  statsContainer: () =>
    StatsContainerResponse.fromPartial({
      cgroup_stats: {
        cpu_stats: { cpu_usage: { total_usage: 2n ** 64n - 1n, percpu_usage: [2n ** 64n - 1n] } },
        memory_stats: { stats: { '\x001\x00': 2n ** 63n } },
        blkio_stats: { io_serviced_recursive: [{ op: '\x9b2J\x7f\u2028', value: 2n ** 64n - 1n }] },
      },
    }),
  getOOMEvent: () => OOMEvent.fromPartial({ container_id: 'made-up\x1b[2J' }),
  listInterfaces: () => Interfaces.fromPartial({ Interfaces: [{ device: '\x9b2J\u202e', mtu: 2n ** 64n - 1n }] }),
  listRoutes: () => Routes.fromPartial({ Routes: Array.from({ length: 400_000 }, () => ({})) }),
};

/** The test may remove the file at any time. */
function isNamedIn(file: string, name: string): boolean {
  try {
    return readFileSync(file, 'latin1') === name;
  } catch {
    return false;
  }
}

async function release(name: string): Promise<void> {
  while (isNamedIn(`${log}.hold`, name)) await sleep(5);
}

/** An answer that is sent as it is. */
class RawAnswer {
  readonly bytes: Buffer;
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}
const rawAnswers: Readonly<Record<string, RawAnswer>> = {
  long: new RawAnswer(Buffer.alloc(800_000)),
  broken: new RawAnswer(Buffer.from('0aff7f', 'hex')), // a field that is longer than the message
};

function answerTo(name: string): (typeof answers)[string] | undefined {
  const [, raw] = Object.entries(rawAnswers).find(([form]) => isNamedIn(`${log}.hostile`, `${form} ${name}`)) ?? [];
  return raw ? () => raw : isNamedIn(`${log}.hostile`, '') ? (hostileAnswers[name] ?? answers[name]) : answers[name];
}

/** The service, whose answers may be raw. */
function definitionOf(service: ReturnType<typeof grpcService>): typeof service {
  const entries = Object.entries(service).map(([name, definition]) => {
    const responseSerialize = (answer: unknown): Buffer =>
      answer instanceof RawAnswer ? answer.bytes : definition.responseSerialize(answer as never);
    return [name, { ...definition, responseSerialize }];
  });
  return Object.fromEntries(entries) as typeof service;
}

type Answer = (error: { code: status; details: string } | null, value?: unknown) => void;

const server = new Server();
for (const service of [grpcService(AgentServiceDefinition), grpcService(HealthDefinition)].map(definitionOf)) {
  const calls = Object.keys(service).map((name): [string, unknown] => [
    name,
    (call: { request: unknown }, answer: Answer) => {
      appendFileSync(
        log,
        `${name} ${JSON.stringify(call.request, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`,
      );
      void release(name).then(async () => {
        if (name === failing || isNamedIn(`${log}.refuses`, name)) answer({ code: status.INTERNAL, details: 'the guest says no' });
        else answer(null, (await answerTo(name)?.(call.request as Readonly<Record<string, unknown>>)) ?? {});
      });
    },
  ]);
  server.addService(service as never, Object.fromEntries(calls) as never);
}
if (failing === 'dies') {
  console.error('level=fatal msg="no proxy today"');
  process.exitCode = 1;
} else {
  // Like 1.x's proxy: connects to QEMU's socket once, and ends when the connection fails.
  const mux = createConnection(args[args.indexOf('-mux-socket') + 1] ?? '', () =>
    server.bindAsync(listen, ServerCredentials.createInsecure(), () => {}),
  );
  mux.on('error', () => process.kill(process.pid, 'SIGKILL')).resume();
  process.on('SIGTERM', () => {
    server.forceShutdown();
    mux.destroy();
  });
}
