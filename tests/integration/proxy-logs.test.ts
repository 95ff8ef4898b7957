/** kata-proxy keeps the logs of its VM small, whoever writes them. */
import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, renameSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { YamuxSession } from '../../packages/common/src/mux/yamux-session.ts';
import { until } from '../support/until.ts';
import { ProxyRig } from './proxy-rig.ts';

const MIB = 1 << 20;
/** The log files that exist when the runtime starts the proxy. */
const NAMES = ['qemu.log', 'virtiofsd.log', 'proxy.log'];

describe("kata-proxy and the logs in the VM's directory", function () {
  this.timeout(30_000);
  let rig: ProxyRig;
  beforeEach(async () => {
    rig = new ProxyRig();
    void rig.listen('kata.sock', (connection) => void new YamuxSession('server', connection, { onStream: () => {} }));
    for (const name of NAMES) writeFileSync(rig.scratch.file(name), '');
  });
  afterEach(() => rig.stop());

  /** Appends to an open log, as a guest can make QEMU do. In one write: text that is written while a log is truncated may be lost. */
  function flood(log: number, bytes: number): string {
    const lines = Array.from({ length: bytes >> 10 }, (_, count) => `line ${count} ${'x'.repeat(1010)}\n`);
    writeSync(log, lines.join(''));
    return lines.at(-1) ?? '';
  }

  /** The log is empty for a moment while it is truncated. */
  const isCut = (path: string): boolean => statSync(path).size > 0 && statSync(path).size < MIB;

  for (const name of NAMES)
    it(`${name} is cut to its last lines, and written on`, async () => {
      await rig.start();
      const path = rig.scratch.file(name);
      const log = openSync(path, 'a');
      try {
        const last = flood(log, 4 * MIB);
        await until('the log is cut', () => isCut(path));
        const kept = readFileSync(path, 'latin1');
        assert.ok(kept.startsWith('line '));
        assert.ok(kept.endsWith(last));
        writeSync(log, 'more\n');
        assert.equal(readFileSync(path, 'latin1'), `${kept}more\n`);
      } finally {
        closeSync(log);
      }
    });

  it('a directory that was renamed is checked under its new name', async () => {
    await rig.start();
    const log = openSync(rig.scratch.file('qemu.log'), 'a');
    const moved = `${rig.scratch.path}-moved`;
    renameSync(rig.scratch.path, moved);
    try {
      flood(log, 2 * MIB);
      await until('the log is cut', () => isCut(`${moved}/qemu.log`));
    } finally {
      renameSync(moved, rig.scratch.path);
      closeSync(log);
    }
  });

  it('are cut also on a host that allows no further inotify instance', async () => {
    const allowNone = 'echo 0 >/proc/sys/user/max_inotify_instances && exec "$@"';
    const command = ['unshare', '--user', '--map-root-user', 'sh', '-c', allowNone, 'sh'];
    const proxy = await rig.startAs(command, { KATA_CONFINE: 'off' }, '-log', 'info');
    assert.match(proxy.stderr, /msg="the logs of the VM are checked each second" .*reason="inotify_init1 .*EMFILE/);
    const log = openSync(rig.scratch.file('qemu.log'), 'a');
    flood(log, 2 * MIB);
    closeSync(log);
    await until('the log is cut', () => isCut(rig.scratch.file('qemu.log')));
  });

  it('other files and short logs are not changed', async () => {
    await rig.start();
    const names = ['state.json', 'somebody.log', 'virtiofsd.log', 'qemu.log'];
    const sizes = [2 * MIB, 2 * MIB, MIB / 2, 2 * MIB];
    const files = names.map((name) => openSync(rig.scratch.file(name), 'a'));
    for (const [index, file] of files.entries()) flood(file, sizes[index] ?? 0);
    await until('the long log is cut', () => isCut(rig.scratch.file('qemu.log')));
    const [state, other, short] = names.map((name) => statSync(rig.scratch.file(name)).size);
    assert.ok((state ?? 0) > MIB && (other ?? 0) > MIB && (short ?? 0) > MIB / 4);
    for (const file of files) closeSync(file);
  });
});
