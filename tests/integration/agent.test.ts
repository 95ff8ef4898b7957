/**
 * kata-agent as a process on the host: a unix socket in place of the serial port, mounts and PIDs of its own (so that it is
 * PID 1's child there and its leftovers end with it), driven over yamux and gRPC as by the runtime.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { connectAgent } from '../../packages/common/src/agent-api/agent-connection.ts';
import type { AgentConnection } from '../../packages/common/src/agent-api/agent-connection.ts';
import { AgentError } from '../../packages/common/src/errors/kata-error.ts';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { Scratch, until } from './process.ts';

const BUNDLE = join(import.meta.dirname, '../../packages/agent/dist/kata-agent.cjs');

/** crun refuses hosts with both cgroup versions mounted: the agent gets version 1 or 2 alone, as in a guest. */
const prepareCgroups = `
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then :; else
  mount -t tmpfs none /sys/fs/cgroup
  while read -r name _ _ enabled; do
    case $name in \\#*) continue;; esac
    [ "$enabled" = 1 ] || continue
    mkdir -p /sys/fs/cgroup/$name
    mount -t cgroup -o $name cgroup /sys/fs/cgroup/$name 2>/dev/null || rmdir /sys/fs/cgroup/$name
  done < /proc/cgroups
fi`;

describe('kata-agent', function () {
  this.timeout(60_000);
  let scratch: Scratch;
  let agentProcess: ChildProcess;
  let bridge: Server | undefined;
  let agent: AgentConnection;
  let said = '';

  /** Plays the proxy: each connection to `path` is one yamux stream to the agent. */
  async function playProxy(path: string, session: YamuxSession): Promise<void> {
    bridge = createServer({ allowHalfOpen: true }, (client) => {
      client.on('error', () => {});
      session
        .openStream()
        .then((stream) => {
          stream.on('error', () => client.destroy());
          client.pipe(stream).pipe(client);
        })
        .catch(() => client.destroy());
    });
    bridge.listen(path);
    await once(bridge, 'listening');
  }

  before(async () => {
    assert.ok(existsSync(BUNDLE), `${BUNDLE} is missing: run "nx run-many -t build"`);
    scratch = new Scratch();
    const rootfs = scratch.file('rootfs');
    for (const name of ['bin', 'proc', 'dev', 'etc', 'tmp', 'sys']) mkdirSync(join(rootfs, name), { recursive: true });
    copyFileSync('/bin/busybox', join(rootfs, 'bin/busybox'));
    for (const name of ['sh', 'cat', 'sleep', 'echo', 'true', 'kill', 'id', 'hostname']) symlinkSync('busybox', join(rootfs, 'bin', name));
    const command = [
      process.execPath,
      '--no-warnings',
      BUNDLE,
      '-listen',
      scratch.file('agent.sock'),
      '-state',
      scratch.file('state'),
    ].join(' ');
    mkdirSync(scratch.file('state'));
    // The shell stays PID 1 there: an agent with that PID would make itself at home as a guest's init does.
    const script = `${prepareCgroups}\n${command}; exit $?`;
    agentProcess = spawn('unshare', ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [agentProcess.stdout, agentProcess.stderr]) stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('the agent listens', () => existsSync(scratch.file('agent.sock')));
    const connection = createConnection(scratch.file('agent.sock'));
    await once(connection, 'connect');
    await playProxy(scratch.file('proxy.sock'), new YamuxSession('client', connection));
    agent = await connectAgent(`unix://${scratch.file('proxy.sock')}`, {});
    await agent.call('createSandbox', { hostname: 'guest', sandbox_id: 'sb' });
  });
  after(async () => {
    agent?.close();
    bridge?.close();
    const ended = once(agentProcess, 'exit');
    agentProcess.kill('SIGKILL');
    await ended;
    scratch.remove();
  });

  let containers = 0;
  async function create(args: string[], terminal = false): Promise<string> {
    const id = `c${containers++}`;
    const OCI = {
      Version: '1.0.2',
      Hostname: 'guest',
      Root: { Path: scratch.file('rootfs'), Readonly: false },
      Process: { Args: args, Cwd: '/', Env: ['PATH=/bin'], Terminal: terminal, User: {} },
      Mounts: [
        { destination: '/proc', source: 'proc', type: 'proc', options: [] },
        { destination: '/dev', source: 'tmpfs', type: 'tmpfs', options: ['mode=755'] },
        { destination: '/dev/pts', source: 'devpts', type: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
      ],
      Linux: { CgroupsPath: `/kata-agent-test-${process.pid}/${id}` },
    };
    await agent.call('createContainer', { container_id: id, exec_id: id, OCI });
    return id;
  }
  async function output(container_id: string, exec_id: string, call: 'readStdout' | 'readStderr' = 'readStdout'): Promise<string> {
    let text = '';
    for (;;) {
      try {
        text += (await agent.call(call, { container_id, exec_id, len: 65536 }, { deadlineMs: 20_000 })).data.toString();
      } catch (error) {
        assert.ok(error instanceof AgentError && error.message === 'EOF', String(error));
        return text;
      }
    }
  }
  const wait = async (container_id: string, exec_id: string): Promise<number> =>
    (await agent.call('waitProcess', { container_id, exec_id }, { deadlineMs: 20_000 })).status;
  const remove = (container_id: string): Promise<unknown> => agent.call('removeContainer', { container_id });
  const code = async (action: Promise<unknown>): Promise<[number, string]> => {
    try {
      await action;
      return [0, ''];
    } catch (error) {
      assert.ok(error instanceof AgentError, String(error));
      return [error.grpcCode, error.message];
    }
  };

  it('answers Check and Version', async () => {
    assert.equal((await agent.check()).status, 1);
  });

  it('runs a container: created, started, output, exit code, removed', async () => {
    const id = await create(['sh', '-c', 'echo out; echo err >&2; hostname; exit 7']);
    await agent.call('startContainer', { container_id: id });
    assert.equal(await output(id, id), 'out\nguest\n', said);
    assert.equal(await output(id, id, 'readStderr'), 'err\n');
    assert.equal(await wait(id, id), 7);
    await remove(id);
    assert.deepEqual(await code(remove(id)), [9, `Container ${id} not found`]);
  });

  it('stdin arrives, and its end', async () => {
    const id = await create(['cat']);
    await agent.call('startContainer', { container_id: id });
    const data = Buffer.from('through the pipe');
    assert.equal((await agent.call('writeStdin', { container_id: id, exec_id: id, data })).len, data.length);
    await agent.call('closeStdin', { container_id: id, exec_id: id });
    assert.equal((await agent.call('writeStdin', { container_id: id, exec_id: id, data })).len, 0);
    assert.equal(await output(id, id), 'through the pipe');
    assert.equal(await wait(id, id), 0);
    await remove(id);
  });

  it('signals: TERM kills a first process that does not handle it, and reaches one that does', async () => {
    const deaf = await create(['sleep', '100']);
    await agent.call('startContainer', { container_id: deaf });
    await agent.call('signalProcess', { container_id: deaf, exec_id: deaf, signal: 15 });
    assert.equal(await wait(deaf, deaf), 137);
    await remove(deaf);
    const hearing = await create(['sh', '-c', 'trap "exit 3" TERM; echo ready; while true; do sleep 0.05; done']);
    await agent.call('startContainer', { container_id: hearing });
    assert.equal((await agent.call('readStdout', { container_id: hearing, exec_id: hearing, len: 100 })).data.toString(), 'ready\n');
    await agent.call('signalProcess', { container_id: hearing, exec_id: hearing, signal: 15 });
    assert.equal(await wait(hearing, hearing), 3);
    await remove(hearing);
  });

  describe('exec in a running container', () => {
    let id = '';
    before(async () => {
      id = await create(['sleep', '1000']);
      await agent.call('startContainer', { container_id: id });
    });
    after(() => remove(id));
    const exec = (exec_id: string, Args: string[], Terminal = false): Promise<unknown> =>
      agent.call('execProcess', {
        container_id: id,
        exec_id,
        process: { Args, Cwd: '/', Env: ['PATH=/bin', 'A=1'], Terminal, User: { UID: 0 } },
      });

    it('output and exit code', async () => {
      await exec('e1', ['sh', '-c', 'echo $A; exit 5']);
      assert.deepEqual([await output(id, 'e1'), await wait(id, 'e1')], ['1\n', 5]);
      assert.deepEqual((await code(agent.call('waitProcess', { container_id: id, exec_id: 'e1' })))[0], 5);
    });

    it('a background child that keeps the pipe does not hold it', async () => {
      await exec('e2', ['sh', '-c', 'sleep 30 & echo done']);
      assert.deepEqual([await output(id, 'e2'), await wait(id, 'e2')], ['done\n', 0]);
    });

    it('a terminal, with its size', async () => {
      await exec('e3', ['sh', '-c', 'read x; stty size 2>/dev/null; echo "got $x"'], true);
      await agent.call('ttyWinResize', { container_id: id, exec_id: 'e3', row: 21, column: 84 });
      await agent.call('writeStdin', { container_id: id, exec_id: 'e3', data: Buffer.from('line\n') });
      assert.match(await output(id, 'e3'), /got line\r\n$/);
      assert.equal(await wait(id, 'e3'), 0);
    });

    it('resizing without a terminal is refused', async () => {
      await exec('e4', ['true']);
      assert.deepEqual(await code(agent.call('ttyWinResize', { container_id: id, exec_id: 'e4', row: 1, column: 1 })), [
        9,
        'Terminal is not set, impossible to resize it',
      ]);
      await wait(id, 'e4');
    });

    const refused: [name: string, args: string[], text: RegExp][] = [
      ['a command that does not exist', ['nope'], /^exec: "nope": executable file not found in \$PATH$/],
      ['a directory', ['/etc'], /^exec: "\/etc": permission denied$/],
    ];
    for (const [name, args, text] of refused) {
      it(`${name} fails at once, in runc's words`, async () => {
        const [, message] = await code(exec(`refused-${args[0]}`.replaceAll('/', '-'), args));
        assert.match(message, text);
      });
    }

    it('lists its processes', async () => {
      const { process_list } = await agent.call('listProcesses', { container_id: id, format: 'json' });
      const pids = JSON.parse(process_list.toString()) as number[];
      assert.ok(pids.length >= 1 && pids.every(Number.isInteger), process_list.toString());
      const table = await agent.call('listProcesses', { container_id: id, format: 'table', args: ['-o', 'pid,args'] });
      assert.match(table.process_list.toString(), /^ *PID COMMAND\n(.*\n)*.*sleep 1000\n/);
    });

    it('200 short processes leave no descriptor open', async () => {
      const open = async (): Promise<number> => {
        await exec('count', ['true']);
        await wait(id, 'count');
        return readdirSync(`/proc/${agentPid()}/fd`).length;
      };
      const before = await open();
      for (let index = 0; index < 200; index++) {
        await exec(`many${index}`, ['true']);
        await wait(id, `many${index}`);
      }
      assert.ok((await open()) <= before + 2);
    });
  });

  /** The agent is the child of the shell that unshare has started. */
  function agentPid(): number {
    const children = (pid: number): number[] => {
      const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1');
      return list.split(' ').filter(Boolean).map(Number);
    };
    const shell = children(agentProcess.pid ?? 0)[0] ?? 0;
    return children(shell)[0] ?? 0;
  }

  const wrong: [name: string, act: () => Promise<unknown>, grpcCode: number, text: RegExp][] = [
    ['a second sandbox', () => agent.call('createSandbox', { sandbox_id: 'x' }), 6, /already started/],
    ['an unknown container', () => agent.call('startContainer', { container_id: 'nobody' }), 9, /nobody not found/],
    ['no specification', () => agent.call('createContainer', { container_id: 'x', exec_id: 'x' }), 3, /OCI specification is missing/],
    ['no entropy', () => agent.call('reseedRandomDev', {}), 3, /missing entropy data/],
    ['an interface without an address', () => agent.call('updateInterface', { interface: {} }), 3, /hardware address/],
    ['a call not there yet', () => agent.call('startTracing', {}), 12, /not implemented/],
  ];
  for (const [name, act, grpcCode, text] of wrong) {
    it(`${name} is refused`, async () => {
      const [found, message] = await code(act());
      assert.equal(found, grpcCode, message);
      assert.match(message, text);
    });
  }

  it('a command that does not exist leaves no container', async () => {
    const [, message] = await code(create(['nope']));
    assert.match(message, /executable file not found in \$PATH/);
    assert.equal((await code(remove(`c${containers - 1}`)))[0], 9);
  });
});
