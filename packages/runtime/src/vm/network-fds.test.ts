import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { withNetworkFds } from './network-fds.ts';

describe('withNetworkFds', () => {
  const open = (): number => openSync('/dev/null', 'r');
  const isOpen = (fd: number): boolean => {
    try {
      return fstatSync(fd).isCharacterDevice();
    } catch {
      return false;
    }
  };
  /** Kernel that opens taps, and the names of the taps. */
  function tapOpener(): { names: string[]; openTap: (name: string) => number } {
    const names: string[] = [];
    return { names, openTap: (name) => (names.push(name), open()) };
  }
  const networks = [
    { tap: 'tap0_kata', mac: 'a' },
    { tap: 'tap1_kata', mac: 'b', macvtap: true },
    { tap: 'tap2_kata', mac: 'c' },
  ] as const;

  it('passes taps and macvtaps in the order of the plan, and closes only the taps', () => {
    const [macvtap, kernel] = [open(), tapOpener()];
    const fds = withNetworkFds({ networks, vhostNet: false }, [macvtap], kernel, (given) => {
      assert.deepEqual(given.map(isOpen), [true, true, true]);
      return given;
    });
    assert.deepEqual([kernel.names, fds[1]], [['tap0_kata', 'tap2_kata'], macvtap]);
    assert.deepEqual(fds.map(isOpen), [false, true, false]);
    closeSync(macvtap);
  });

  it('closes the taps when QEMU cannot be started', () => {
    let given: readonly number[] = [];
    const start = (fds: readonly number[]): never => {
      given = fds;
      throw new Error('no');
    };
    assert.throws(() => withNetworkFds({ networks: networks.slice(0, 1), vhostNet: false }, [], tapOpener(), start), { message: 'no' });
    assert.deepEqual(given.map(isOpen), [false]);
  });

  it('refuses a macvtap that is not open', () =>
    assert.throws(() => withNetworkFds({ networks, vhostNet: false }, [], tapOpener(), () => {}), {
      message: 'the macvtap tap1_kata is not open',
    }));
});
