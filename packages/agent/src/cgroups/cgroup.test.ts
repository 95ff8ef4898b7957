import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cgroupProcesses, parseCgroup } from '@kata-containers/common/cgroups/cgroup';
import { pathsBelow, widenCpuset } from './cpuset.ts';
import { OomEvents } from './oom-events.ts';
import { UNLIMITED, parseBlockTable, parseIoStat, parseNumber, parseTable } from './parse-cgroup-files.ts';
import { readStats } from './read-stats.ts';

describe('parsing of cgroup files', () => {
  it('reads numbers and "no limit"', () =>
    assert.deepEqual([parseNumber('12\n'), parseNumber('max\n'), parseNumber('')], [12n, UNLIMITED, 0n]));
  it('reads tables', () => assert.deepEqual(parseTable('cache 5\nodd\nrss 18446744073709551615\n'), { cache: 5n, rss: UNLIMITED }));
  it('reads block I/O tables without the total', () => {
    assert.deepEqual(parseBlockTable('8:0 Read 4096\n8:16 77\nTotal 4096\n'), [
      { major: 8n, minor: 0n, op: 'Read', value: 4096n },
      { major: 8n, minor: 16n, op: '', value: 77n },
    ]);
  });
  it('reads io.stat', () => {
    assert.deepEqual(parseIoStat('254:0 rbytes=1 wbytes=2 rios=3 wios=4\n', { rbytes: 'Read', wbytes: 'Write' }), [
      { major: 254n, minor: 0n, op: 'Read', value: 1n },
      { major: 254n, minor: 0n, op: 'Write', value: 2n },
    ]);
  });
});

describe('a cgroup directory', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'cgroup-'))));
  afterEach(() => rmSync(root, { recursive: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };

  it('has the statistics of version 1', () => {
    put('cpuacct/c/cpuacct.usage', '1000\n');
    put('cpuacct/c/cpuacct.usage_percpu', '600 400 \n');
    put('cpuacct/c/cpuacct.stat', 'user 3\nsystem 2\n');
    put('cpu/c/cpu.stat', 'nr_periods 4\nnr_throttled 1\nthrottled_time 9\n');
    put('memory/c/memory.usage_in_bytes', '50\n');
    put('memory/c/memory.limit_in_bytes', '100\n');
    put('memory/c/memory.use_hierarchy', '1\n');
    put('memory/c/memory.stat', 'cache 7\nrss 8\n');
    put('pids/c/pids.current', '2\n');
    put('pids/c/pids.max', 'max\n');
    put('blkio/c/blkio.throttle.io_service_bytes_recursive', '8:0 Write 512\n');
    put('hugetlb/c/hugetlb.2MB.usage_in_bytes', '4096\n');
    const stats = readStats(parseCgroup('1:cpuacct:/c\n2:cpu:/c\n3:memory:/c\n4:pids:/c\n5:blkio:/c\n6:hugetlb:/c\n', root));
    assert.deepEqual(stats.cpu_stats?.cpu_usage, {
      total_usage: 1000n,
      percpu_usage: [600n, 400n],
      usage_in_kernelmode: 20_000_000n,
      usage_in_usermode: 30_000_000n,
    });
    assert.deepEqual(stats.cpu_stats.throttling_data, { periods: 4n, throttled_periods: 1n, throttled_time: 9n });
    assert.deepEqual([stats.memory_stats?.cache, stats.memory_stats?.usage?.limit, stats.memory_stats?.use_hierarchy], [7n, 100n, true]);
    assert.deepEqual(stats.pids_stats, { current: 2n, limit: 0n });
    assert.deepEqual(stats.blkio_stats?.io_service_bytes_recursive, [{ major: 8n, minor: 0n, op: 'Write', value: 512n }]);
    assert.deepEqual(stats.hugetlb_stats, { '2MB': { usage: 4096n, max_usage: 0n, failcnt: 0n } });
  });

  it('has the statistics of version 2 in the terms of version 1', () => {
    put('c/cpu.stat', 'usage_usec 5\nuser_usec 3\nsystem_usec 2\nnr_periods 1\nnr_throttled 1\nthrottled_usec 4\n');
    put('c/memory.current', '50\n');
    put('c/memory.max', 'max\n');
    put('c/memory.swap.current', '5\n');
    put('c/memory.stat', 'file 7\nanon 8\nkernel 3\n');
    put('c/memory.events', 'max 6\noom_kill 1\n');
    put('c/pids.current', '2\n');
    put('c/pids.max', '10\n');
    put('c/io.stat', '8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n');
    const stats = readStats(parseCgroup('0::/c\n', root));
    assert.equal(stats.cpu_stats?.cpu_usage?.total_usage, 5000n);
    assert.equal(stats.cpu_stats.throttling_data?.throttled_time, 4000n);
    assert.deepEqual(stats.memory_stats?.usage, { usage: 50n, max_usage: 0n, failcnt: 6n, limit: UNLIMITED });
    assert.deepEqual([stats.memory_stats.cache, stats.memory_stats.swap_usage?.usage], [7n, 55n]);
    assert.deepEqual(stats.pids_stats, { current: 2n, limit: 10n });
    assert.equal(stats.blkio_stats?.io_serviced_recursive.length, 3);
  });

  it('has the pids of the cgroup, and none after its removal', () => {
    put('pids/c/cgroup.procs', '12\n34\n');
    assert.deepEqual(cgroupProcesses(parseCgroup('1:pids:/c\n', root)), [12, 34]);
    assert.deepEqual(cgroupProcesses(parseCgroup('1:pids:/gone\n', root)), []);
  });

  it('gets hot-plugged CPUs, with all parents', () => {
    put('online', '0-3\n');
    for (const path of ['cpuset/cpuset.cpus', 'cpuset/a/cpuset.cpus', 'cpuset/a/b/cpuset.cpus']) put(path, '0');
    widenCpuset(parseCgroup('1:cpuset:/a/b\n', root), join(root, 'cpuset'), join(root, 'online'));
    const cpus = ['cpuset', 'cpuset/a', 'cpuset/a/b'].map((path) => readFileSync(join(root, path, 'cpuset.cpus'), 'utf8'));
    assert.deepEqual(cpus, ['0', '0-3', '0-3']);
  });

  it('is listed after its parents', () => assert.deepEqual(pathsBelow('/cg', '/cg/a/b'), ['/cg/a', '/cg/a/b']));
});

describe('OomEvents', () => {
  const never = (): void => {};
  it('returns each container once, in order', async () => {
    const events = new OomEvents();
    for (const id of ['a', 'b', 'a']) events.add(id);
    assert.deepEqual([await events.next(never), await events.next(never)], ['a', 'b']);
  });
  it('passes no event to a disconnected caller', async () => {
    const events = new OomEvents();
    let takeBack = never;
    void events.next((action) => (takeBack = action));
    const second = events.next(never);
    takeBack();
    events.add('a');
    assert.equal(await second, 'a');
  });
});
