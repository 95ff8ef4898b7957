/**
 * Many short processes leave nothing behind in the agent. KATA_SOAK_EXECS=5000 for the long form, which prints its measurements.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { AgentOnHost } from './agent-on-host.ts';

const EXECS = Number(process.env['KATA_SOAK_EXECS'] ?? 400);
/** Executions before the first measurement: code is compiled, and buffers and pools have their final size. */
const WARM_UP = 200;
const AT_A_TIME = 4;
/** Tolerance for uncollected objects and the memory that the allocator keeps. */
const SLACK_KIB = 8 << 10;

describe(`kata-agent, ${EXECS} times exec`, function () {
  this.timeout((WARM_UP + EXECS) * 500);
  let host: AgentOnHost;
  let id = '';
  before(async () => {
    host = await AgentOnHost.start();
    id = await host.run(['sleep', '10000']);
  });
  after(() => host.stop());

  let next = 0;
  /** One process: its output, every fourth time on a terminal, and its exit code. */
  async function one(): Promise<void> {
    const number = next++;
    const [exec, code] = [`e${number}`, number % 7];
    await host.exec(id, exec, ['sh', '-c', `echo ${number}; exit ${code}`], { Terminal: number % 4 === 0 });
    assert.equal((await host.output(id, exec)).trim(), String(number));
    assert.equal(await host.wait(id, exec), code);
  }
  async function many(count: number): Promise<void> {
    const until = next + count;
    const worker = async (): Promise<void> => {
      while (next < until) await one();
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, worker));
  }
  const files = (): number => readdirSync(host.scratch.file('state'), { recursive: true }).length;
  const measure = () => ({
    descriptors: host.openDescriptors,
    processes: host.descendants,
    files: files(),
    residentKiB: host.resident('VmRSS'),
    anonymousKiB: host.resident('RssAnon'),
  });

  it('leaves no fd, process or file, and memory does not grow', async () => {
    await many(WARM_UP);
    const before = measure();
    const start = performance.now();
    await many(EXECS);
    const after = measure();
    if (process.env['KATA_SOAK_EXECS'] !== undefined) console.log({ before, after, millisecondsEach: (performance.now() - start) / EXECS });
    assert.deepEqual([after.processes, after.files], [before.processes, before.files]);
    assert.ok(after.descriptors <= before.descriptors + 2, `${before.descriptors} descriptors, then ${after.descriptors}`);
    assert.ok(after.anonymousKiB <= before.anonymousKiB + SLACK_KIB, `${before.anonymousKiB} KiB, then ${after.anonymousKiB}`);
  });
});
