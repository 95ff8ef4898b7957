/** The fds that QEMU inherits: of its log, its taps and vhost-net, and no others. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { run } from '../support/run.ts';
import { RUNTIME, RuntimeRig } from './runtime-rig.ts';

/** A network namespace with two links. */
const HOOK = `exec nsenter --net=/proc/$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/')/ns/net sh -c '
  for number in 0 1; do
    ip link add eth$number type veth peer name peer$number
    ip address add 10.$number.0.2/24 dev eth$number
    ip link set eth$number up
  done'`;
/** A /dev with a vhost-net, which is /dev/null's device: it can be opened. */
const VHOST = `
  new=$(mktemp -d) && mount -t tmpfs -o mode=755 tmpfs "$new" && mkdir "$new/net" "$new/pts" "$new/shm" || exit
  mknod "$new/null" c 1 3; mknod "$new/tty" c 5 0; mknod "$new/full" c 1 7; mknod "$new/zero" c 1 5; mknod "$new/random" c 1 8; mknod "$new/urandom" c 1 9; mknod "$new/net/tun" c 10 200
  [ -z "$VHOST" ] || mknod "$new/vhost-net" c 1 3
  mount --move "$new" /dev && rmdir "$new" || exit`;

describe('fds of QEMU', function () {
  this.timeout(60_000);
  let rig: RuntimeRig;
  beforeEach(() => (rig = new RuntimeRig()));
  afterEach(() => rig.close());

  /** @returns each fd as number, path, and name of the tap; and the options of the network cards */
  async function inherited(hasVhost: boolean): Promise<{ fds: string[]; netdevs: string[] }> {
    const [list, args] = [rig.scratch.file('fds'), rig.scratch.file('args')];
    // The shell opens the list before it names its fds, and its script.
    const script = `for fd in 0 1 2 3 4 5 6 7 8 9; do
      [ ! -e /proc/$$/fd/$fd ] || echo "$fd $(readlink /proc/$$/fd/$fd) $(sed -n 's/^iff:.//p' /proc/$$/fdinfo/$fd)" >>${list}
    done; echo "$@" >${args}; exit 1`;
    rig.prepare({ configuration: { 'hypervisor.qemu.path': rig.executable('listing', script) } });
    const hook = rig.executable('hook', HOOK);
    rig.changeSpec((spec) => Object.assign(spec, { hooks: { prestart: [{ path: hook, args: ['hook'] }] } }));
    const create = [RUNTIME, '--kata-config', rig.scratch.file('c.toml'), 'create', '--bundle', rig.scratch.file('bundle'), rig.id];
    const inside = ['--mount', '--propagation', 'private', 'sh', '-c', `VHOST=${hasVhost ? 'yes' : ''}; ${VHOST}; "$@"`, 'sh', ...create];
    const { stderr } = await run('unshare', inside);
    assert.match(stderr, /QEMU \(\S+\) ended at its start/);
    return {
      fds: readFileSync(list, 'utf8').split('\n').filter(Boolean).filter((line) => !line.includes(rig.scratch.file('listing'))), // prettier-ignore
      netdevs: [...readFileSync(args, 'utf8').matchAll(/-netdev (\S+)/g)].map(([, options = '']) => options),
    };
  }
  const stdio = (): string[] => ['0 /dev/null ', ...[1, 2].map((fd) => `${fd} /run/vc/vm/${rig.id}/qemu.log `)];
  const taps = ['3 /dev/net/tun tap0_kata', '4 /dev/net/tun tap1_kata'];

  it('a tap for each link', async () => {
    const { fds, netdevs } = await inherited(false);
    assert.deepEqual(fds, [...stdio(), ...taps]);
    assert.deepEqual(netdevs, ['tap,id=network-0,fd=3', 'tap,id=network-1,fd=4']);
  });

  it('vhost-net for each tap', async () => {
    const { fds, netdevs } = await inherited(true);
    assert.deepEqual(fds, [...stdio(), ...taps, '5 /dev/vhost-net ', '6 /dev/vhost-net ']);
    assert.deepEqual(netdevs, ['tap,id=network-0,fd=3,vhost=on,vhostfd=5', 'tap,id=network-1,fd=4,vhost=on,vhostfd=6']);
  });
});
