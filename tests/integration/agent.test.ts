/** Containers and their processes, made by an agent on the host. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentConnection } from '../../packages/common/src/agent-api/agent-connection.ts';
import { AgentOnHost, refusal } from './agent-on-host.ts';
import { until } from '../support/until.ts';

describe('kata-agent: containers', function () {
  this.timeout(60_000);
  let host: AgentOnHost;
  let agent: AgentConnection;
  before(async () => {
    host = await AgentOnHost.start();
    ({ agent } = host);
  });
  after(() => host.stop());

  for (const Version of ['1.0.2-dev', '1.1.0', '1.2.0', '1.2.1', '1.3.0'])
    it(`starts a container with a config.json of version ${Version}`, async () => {
      assert.deepEqual(await host.outcome(['echo', 'a\\u0000b'], { Version }), { code: 0, stdout: 'a\\u0000b\n', stderr: '' });
    });

  it('answers Check and Version', async () => {
    assert.equal((await agent.check()).status, 1);
  });

  it('runs a container: created, started, output, exit code, removed', async () => {
    const id = await host.create(['sh', '-c', 'echo out; echo err >&2; hostname; exit 7']);
    await agent.call('startContainer', { container_id: id });
    assert.equal(await host.output(id, id), 'out\nguest\n', host.said);
    assert.equal(await host.output(id, id, 'readStderr'), 'err\n');
    assert.equal(await host.wait(id, id), 7);
    await host.remove(id);
    assert.deepEqual(await refusal(host.remove(id)), [5, `Container ${id} not found`]);
  });

  it('a process receives stdin and its end', async () => {
    const id = await host.run(['cat']);
    const data = Buffer.from('through the pipe');
    assert.equal((await agent.call('writeStdin', { container_id: id, exec_id: id, data })).len, data.length);
    await agent.call('closeStdin', { container_id: id, exec_id: id });
    assert.equal((await agent.call('writeStdin', { container_id: id, exec_id: id, data })).len, 0);
    assert.equal(await host.output(id, id), 'through the pipe');
    assert.equal(await host.wait(id, id), 0);
    await host.remove(id);
  });

  describe('stdin without a writer', () => {
    const script = 'test -c /dev/stdin && cat; echo end';
    it('of a first process is the unchanged /dev/null', async () => {
      const UID = 43_210; // no other container of the machine has it
      assert.deepEqual(await host.outcome(['sh', '-c', script], { Process: { NullStdin: true, User: { UID } } }), {
        code: 0,
        stdout: 'end\n',
        stderr: '',
      });
      assert.notEqual(host.inside('stat', '-c', '%u', '/dev/null').trim(), String(UID));
    });
    it('of an exec process is /dev/null', async () => {
      const id = await host.run(['sleep', '100']);
      await host.exec(id, 'e', ['sh', '-c', `${script}; test -c /proc/self/fd/0`], { NullStdin: true });
      assert.deepEqual([await host.output(id, 'e'), await host.wait(id, 'e')], ['end\n', 0]);
      assert.equal((await agent.call('writeStdin', { container_id: id, exec_id: id, data: Buffer.from('x') })).len, 1);
      await agent.call('signalProcess', { container_id: id, exec_id: id, signal: 9 });
      await host.wait(id, id);
      await host.remove(id);
    });
  });

  it('all output is read before the exit code is reported, also by a slow reader', async () => {
    const id = await host.run(['sh', '-c', 'head -c 3000000 /dev/zero; sleep 60 & exit 0'], {
      Mounts: [
        { destination: '/proc', source: 'proc', type: 'proc', options: [] },
        { destination: '/dev', source: '/dev', type: 'bind', options: ['rbind'] },
      ],
    });
    let exited = false;
    const status = host.wait(id, id).then((code) => {
      exited = true;
      return code;
    });
    const hash = createHash('sha256');
    let length = 0;
    while (length < 3_000_000) {
      const { data } = await agent.call('readStdout', { container_id: id, exec_id: id, len: 200_000 });
      hash.update(data);
      length += data.length;
      assert.equal(exited, false, `after ${length} bytes`);
      if (length < 600_000) await sleep(60);
    }
    assert.equal(await status, 0);
    assert.equal(hash.digest('hex'), createHash('sha256').update(Buffer.alloc(3_000_000)).digest('hex'));
    await host.remove(id);
  });

  it('every caller of WaitProcess gets the exit code', async () => {
    const id = await host.run(['sh', '-c', 'exit 4']);
    assert.deepEqual(await Promise.all([host.wait(id, id), host.wait(id, id)]), [4, 4]);
    assert.deepEqual(await refusal(host.wait(id, id)), [5, `Process ${id} not found (container ${id})`]);
    await host.remove(id);
  });

  describe('signals', () => {
    // As on runc, only SIGKILL kills a first process without a handler for SIGTERM.
    const deaf: [name: string, command: string[], code: number][] = [
      ['without a handler', ['sh', '-c', 'echo ready; read x; exit 23'], 23],
      ['that ignores it', ['sh', '-c', 'trap "" TERM; echo ready; read x; exit 24'], 24],
    ];
    for (const [name, command, code] of deaf)
      it(`TERM does not kill a first process ${name}`, async () => {
        const id = await host.run(command);
        assert.equal((await agent.call('readStdout', { container_id: id, exec_id: id, len: 100 })).data.toString(), 'ready\n');
        await agent.call('signalProcess', { container_id: id, exec_id: id, signal: 15 });
        await agent.call('closeStdin', { container_id: id, exec_id: id });
        assert.equal(await host.wait(id, id), code);
        await agent.call('signalProcess', { container_id: id, exec_id: id, signal: 9 }); // dropped: it is stopped
        await host.remove(id);
      });
    it('a first process with a handler receives TERM', async () => {
      const id = await host.run(['sh', '-c', 'trap "exit 3" TERM; echo ready; while true; do sleep 0.05; done']);
      assert.equal((await agent.call('readStdout', { container_id: id, exec_id: id, len: 100 })).data.toString(), 'ready\n');
      await agent.call('signalProcess', { container_id: id, exec_id: id, signal: 15 });
      assert.equal(await host.wait(id, id), 3);
      await host.remove(id);
    });
    it('a signal without a process id reaches all processes of the container', async () => {
      const id = await host.run(['sleep', '100']);
      await host.exec(id, 'e', ['sleep', '100']);
      await agent.call('signalProcess', { container_id: id, exec_id: '', signal: 9 });
      assert.deepEqual(await Promise.all([host.wait(id, id), host.wait(id, 'e')]), [137, 137]);
      await host.remove(id);
    });
  });

  it('PauseContainer freezes a container; ResumeContainer and a signal thaw it', async () => {
    const id = await host.run(['sh', '-c', 'while true; do echo tick; sleep 0.02; done']);
    await agent.call('pauseContainer', { container_id: id });
    assert.equal(host.cgroupFile(id, 'freezer', 'freezer.state'), 'FROZEN');
    const [code] = await refusal(agent.call('pauseContainer', { container_id: id }));
    assert.ok(code === 0 || code === 2, `paused twice: ${code}`);
    await agent.call('resumeContainer', { container_id: id });
    assert.equal(host.cgroupFile(id, 'freezer', 'freezer.state'), 'THAWED');
    await agent.call('pauseContainer', { container_id: id });
    await agent.call('signalProcess', { container_id: id, exec_id: id, signal: 9 });
    assert.equal(await host.wait(id, id), 137);
    await host.remove(id);
  });

  describe('exec in a running container', () => {
    let id = '';
    before(async () => (id = await host.run(['sleep', '1000'])));
    after(() => host.remove(id));

    it('returns output and exit code', async () => {
      await host.exec(id, 'e1', ['sh', '-c', 'echo $A; exit 5']);
      assert.deepEqual([await host.output(id, 'e1'), await host.wait(id, 'e1')], ['1\n', 5]);
      assert.equal((await refusal(host.wait(id, 'e1')))[0], 5);
    });

    it('a background child that keeps the pipe open does not delay the end', async () => {
      await host.exec(id, 'e2', ['sh', '-c', 'sleep 30 & echo done']);
      assert.deepEqual([await host.output(id, 'e2'), await host.wait(id, 'e2')], ['done\n', 0]);
    });

    it('can have a terminal, which can be resized', async () => {
      await host.exec(id, 'e3', ['sh', '-c', 'read x; stty size; echo "got $x"'], { Terminal: true });
      await agent.call('ttyWinResize', { container_id: id, exec_id: 'e3', row: 21, column: 84 });
      await agent.call('writeStdin', { container_id: id, exec_id: 'e3', data: Buffer.from('line\n') });
      assert.match(await host.output(id, 'e3'), /21 84\r\ngot line\r\n$/);
      assert.equal(await host.wait(id, 'e3'), 0);
    });

    it('a terminal can have a size from the start', async () => {
      // crun sets the size when the process is running already.
      await host.exec(id, 'e5', ['sh', '-c', 'sleep 0.2; stty size'], { Terminal: true, ConsoleSize: { Height: 40, Width: 132 } });
      assert.match(await host.output(id, 'e5'), /^40 132/);
      await host.wait(id, 'e5');
    });

    it('resizing without a terminal is refused', async () => {
      await host.exec(id, 'e4', ['true']);
      assert.deepEqual(await refusal(agent.call('ttyWinResize', { container_id: id, exec_id: 'e4', row: 1, column: 1 })), [
        9,
        'Terminal is not set, impossible to resize it',
      ]);
      await host.wait(id, 'e4');
    });

    const refused: [name: string, args: string[], text: RegExp][] = [
      ['a command that does not exist', ['nope'], /^exec: "nope": executable file not found in \$PATH$/],
      ['a directory', ['/etc'], /^exec: "\/etc": permission denied$/],
    ];
    for (const [name, args, text] of refused) {
      it(`${name} fails at once, with runc's text`, async () => {
        const [code, message] = await refusal(host.exec(id, `refused-${args[0]}`, args));
        assert.match(message, text);
        assert.equal(code, 13);
      });
    }

    it('ListProcesses lists the processes', async () => {
      const { process_list } = await agent.call('listProcesses', { container_id: id, format: 'json' });
      const pids = JSON.parse(process_list.toString()) as number[];
      assert.ok(pids.length >= 1 && pids.every(Number.isInteger), process_list.toString());
      const table = await agent.call('listProcesses', { container_id: id, format: 'table', args: ['-o', 'pid,args'] });
      assert.match(table.process_list.toString(), /^ *PID COMMAND\n(.*\n)*.*sleep 1000\n/);
    });

    it('an exec id can contain slashes', async () => {
      await host.exec(id, '../../e', ['true']);
      assert.equal(await host.wait(id, '../../e'), 0);
    });

    it('a process whose shim has died is killed; the container continues to run', async () => {
      const shim = await host.connect();
      await host.exec(id, 'left', ['sleep', '500']);
      const reading = refusal(shim.call('readStdout', { container_id: id, exec_id: 'left', len: 10 }, { deadlineMs: 'none' }));
      await shim.check(); // the answer means that the agent has received the previous call
      shim.close();
      // The library completes a closed client's calls: a killed shim breaks its connection.
      host.breakConnections();
      await reading;
      const waited = await host.connect();
      host.useAgent(waited);
      agent = waited;
      await until('the process is killed', () => /its shim has disconnected/.test(host.said), 5_000);
      assert.equal(await host.wait(id, 'left'), 137);
      await host.exec(id, 'after', ['true']);
      assert.equal(await host.wait(id, 'after'), 0);
    });
  });

  const wrong: [name: string, act: () => Promise<unknown>, grpcCode: number, text: RegExp][] = [
    ['a second sandbox', () => agent.call('createSandbox', { sandbox_id: 'x' }), 6, /^Sandbox already started, impossible to start again$/],
    ['an unknown container', () => agent.call('startContainer', { container_id: 'nobody' }), 5, /^Container nobody not found$/],
    [
      'a signal to an unknown container',
      () => agent.call('signalProcess', { container_id: 'nobody', exec_id: 'x', signal: 9 }),
      9,
      /^Could not signal process x: rpc error: code = NotFound desc = Container nobody not found$/,
    ],
    ['no specification', () => agent.call('createContainer', { container_id: 'x', exec_id: 'x' }), 3, /OCI specification is missing/],
    ['an id that is a path', () => host.create(['true'], {}, { container_id: '../x' }), 3, /invalid container id/],
    [
      'a PID namespace in the specification',
      () => host.create(['true'], { Linux: { Namespaces: [{ Type: 'pid' }] } }),
      9,
      /^Unexpected PID namespace received for container/,
    ],
    ['an update without resources', () => agent.call('updateContainer', { container_id: 'x' }), 2, /^Resources in the request are nil$/],
    ['a list in an unknown format', () => agent.call('listProcesses', { container_id: 'nobody', format: 'x' }), 5, /not found/],
    ['a command that does not exist', () => host.create(['nope']), 13, /executable file not found in \$PATH/],
    ['a root file system that does not exist', () => host.create(['true'], { Root: { Path: '/nowhere' } }), 13, /nowhere/],
    [
      'a storage that cannot be mounted',
      () => host.create(['true'], {}, { storages: [{ driver: 'blk', source: '/dev/null', fstype: 'ext4', mount_point: '/tmp/x' }] }),
      13,
      /^Could not mount \/dev\/null to \/tmp\/x/,
    ],
    [
      'a device without a path',
      () => host.create(['true'], {}, { devices: [{ type: 'blk', id: '02/01' }] }),
      3,
      /^invalid container path for device/,
    ],
  ];
  for (const [name, act, grpcCode, text] of wrong) {
    it(`${name} is refused`, async () => {
      const [found, message] = await refusal(act());
      assert.match(message, text);
      assert.equal(found, grpcCode, message);
    });
  }

  it('a refused request leaves no container behind', async () => {
    await agent.call('destroySandbox', {});
    assert.deepEqual(await refusal(agent.call('startContainer', { container_id: 'x' })), [9, 'Sandbox not started']);
    await agent.call('destroySandbox', {});
    await agent.call('createSandbox', { sandbox_id: 'again' });
    assert.equal((await host.outcome(['echo', 'again'])).stdout, 'again\n');
  });
});
