/** Hosts that lack a requirement of VMs: the error of create names the requirement and the next step, and nothing is left behind. */
import assert from 'node:assert/strict';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { run } from '../support/run.ts';
import type { Outcome } from '../support/run.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

describe('kata-runtime on a host that lacks a requirement', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => {
    rig = new RuntimeRig();
    rig.prepare();
  });
  afterEach(() => rig.close());

  /** In a mount namespace that `prepare`, shell text, changes; afterwards the files below /run are printed. */
  function create(prepare: string): Promise<Outcome> {
    const script = `${prepare}; "$@"; code=$?; find /run -mindepth 1 ! -type d; ls /run/vc/sbs /run/kata-containers/containers-mapping; exit $code`;
    const args = ['create', '--bundle', rig.scratch.file('bundle'), rig.id];
    const command = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), ...args];
    return run('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, 'sh', ...command]);
  }
  const nothing = /^(\/run\/vc\/sbs:|\/run\/kata-containers\/containers-mapping:|\s)*$/;

  const sizes: [size: string, found: string][] = [
    ['size=4k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['size=8k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['size=16k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['nr_inodes=8', '\\d+ inodes are free, a sandbox needs 64'],
    ['nr_inodes=12', '\\d+ inodes are free, a sandbox needs 64'],
  ];
  for (const [size, found] of sizes)
    it(`/run is full (${size})`, async () => {
      const { code, stdout, stderr } = await create(
        `mount -t tmpfs -o ${size} tmpfs /run && mkdir -p /run/vc/sbs /run/kata-containers/containers-mapping`,
      );
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`^/run is full: ${found}; 'du -xh /run \\| sort -h \\| tail' shows .*\\(.+\\)\n$`));
      assert.match(stdout, nothing);
    });

  /** A file system of its own for a directory of the runtime. */
  const parts: [directory: string, options: string, found: string][] = [
    ['/run/vc', 'size=4k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['/run/vc', 'size=16k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['/run/vc', 'nr_inodes=4', '\\d+ inodes are free, a sandbox needs 64'],
    ['/run/vc/vm', 'size=4k', '0 MiB are free, a sandbox needs 16 MiB'],
    ['/run/kata-containers', 'nr_inodes=3', '\\d+ inodes are free, a sandbox needs 64'],
  ];
  for (const [directory, options, found] of parts)
    it(`${directory} is a full file system (${options})`, async () => {
      const mounts = `mount -t tmpfs tmpfs /run && mkdir -p ${directory} && mount -t tmpfs -o ${options} tmpfs ${directory}`;
      const { code, stdout, stderr } = await create(`${mounts} && mkdir -p /run/vc/sbs /run/kata-containers/containers-mapping`);
      assert.equal(code, 1, stderr);
      assert.match(stderr, new RegExp(`^${directory} is full: ${found}; 'du -xh ${directory} \\| sort -h \\| tail' shows .*\\(.+\\)\n$`));
      assert.match(stdout, nothing);
    });

  it('a container can be deleted when /run is full', async () => {
    assert.equal((await rig.create()).stderr, '');
    const { blocks, bfree, bsize } = statfsSync('/run');
    const resize = (size: string): Promise<Outcome> => run('mount', ['-o', `remount,size=${size}`, '/run']); // the cell's
    assert.equal((await resize(String((blocks - bfree) * bsize))).stderr, '');
    try {
      assert.throws(() => writeFileSync('/run/no-room', 'x'), /ENOSPC/);
      assert.equal((await rig.kata('kill', rig.id, 'KILL')).stderr, '');
      assert.deepEqual(await rig.kata('delete', rig.id).then(({ code, stderr }) => [code, stderr]), [0, '']);
    } finally {
      await resize('50%');
      rmSync('/run/no-room', { force: true });
    }
    assert.deepEqual(readdirSync('/run/vc/sbs'), []);
  });

  it('the tun device is missing', async () => {
    const eth = rig.executable(
      'hook',
      'exec nsenter --net=/proc/$(sed \'s/.*"pid":\\([0-9]*\\).*/\\1/\')/ns/net sh -c "ip link add eth0 type veth peer name p; ip address add 10.7.0.2/24 dev eth0; ip link set eth0 up"',
    );
    rig.changeSpec((spec) => Object.assign(spec, { hooks: { prestart: [{ path: eth, args: ['hook'] }] } }));
    const unlimited = 'mount -t tmpfs -o size=0,nr_inodes=0 tmpfs /run'; // statfs(2) reports no free space and no free inodes
    const { code, stderr } = await create(
      `${unlimited} && mkdir -p /run/vc/sbs /run/kata-containers/containers-mapping; mount -t tmpfs tmpfs /dev/net`,
    );
    const remedy = `'modprobe tun' creates it; with internetworking_model = "none" in [runtime] VMs have no network`;
    assert.deepEqual([code, stderr], [1, `/dev/net/tun is missing, which a VM's network needs: ${remedy}\n`]);
  });
});
