import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Device, Storage } from '@kata-containers/common/generated/agent';
import { Spec } from '@kata-containers/common/generated/oci';
import { linuxKernel } from '@kata-containers/common/kernel/linux-kernel';
import { addDevices, allowVolumes, renumberDevices } from './add-devices.ts';
import { findDevice } from './device-finder.ts';
import type { DeviceRoots } from './find-device.ts';
import { unpackDevice } from '@kata-containers/common/kernel/device-number';
import { numberOfNode, pciLinks } from './find-device.ts';
import { parseUevent } from './parse-uevent.ts';
import { kernelArrivals } from './wait-for-device.ts';
import type { Arrivals } from './wait-for-device.ts';

describe('parseUevent', () => {
  it('returns action, path and node', () => {
    const message = Buffer.from('add@/devices/pci0000:00/x/block/vdb\0ACTION=add\0DEVNAME=vdb\0SEQNUM=1\0');
    assert.deepEqual(parseUevent(message), { action: 'add', devicePath: '/devices/pci0000:00/x/block/vdb', deviceName: 'vdb' });
  });
  it('ignores a message of udev', () => assert.equal(parseUevent(Buffer.from('libudev\0\xfe\xed')), undefined));
});

describe('findDevice', () => {
  let root = '';
  let roots: DeviceRoots;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'devices-'));
    roots = { sys: join(root, 'sys'), dev: join(root, 'dev') };
    put('sys/bus/pci/rescan', '');
    put('sys/class/scsi_host/host0/scan', '');
    mkdirSync(join(root, 'sys/bus/pci/devices/0000:00:02.0/pci_bus/0000:01'), { recursive: true });
    mkdirSync(roots.dev);
  });
  afterEach(() => rmSync(root, { recursive: true }));
  function put(path: string, text = ''): void {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const silence: Arrivals = { onArrival: () => {}, close: () => {} };
  const find = (driver: string, address: string, listen: () => Arrivals = () => silence): Promise<string> =>
    findDevice(driver, address, { timeoutMs: 20, roots, listen });

  const there: [driver: string, address: string, sysfs: string, node: string][] = [
    ['blk', '02/01', 'sys/bus/pci/devices/0000:01:01.0/virtio3/block/vdb', 'vdb'],
    ['scsi', '1:7', 'sys/bus/scsi/devices/0:0:1:7/block/sda', 'sda'],
    ['nvdimm', '/dev/pmem1', 'sys/block/pmem1', 'pmem1'],
  ];
  for (const [driver, address, sysfs, node] of there) {
    it(`${driver} ${address} exists`, async () => {
      put(sysfs);
      put(`dev/${node}`);
      assert.equal(await find(driver, address), join(roots.dev, node));
    });
    it(`${driver} ${address} is announced by an event`, async () => {
      const listen = (): Arrivals => ({
        close: () => {},
        onArrival: (look) => {
          look(); // an event of another device
          put(sysfs);
          put(`dev/${node}`);
          look();
        },
      });
      assert.equal(await find(driver, address, listen), join(roots.dev, node));
    });
  }

  describe('an NVDIMM with a physical address', () => {
    const hints = ['physical-address=0x1c0000000'];
    const byPlace = (): Promise<string> => findDevice('nvdimm', '/dev/pmem1', { timeoutMs: 20, roots, listen: () => silence }, hints);
    function plug(name: string, region: string, resource: string): void {
      const device = `sys/devices/ndbus0/${region}`;
      put(`${device}/pfn0.0/block/${name}/dev`);
      put(`${device}/resource`, `${resource}\n`);
      mkdirSync(join(root, 'sys/block'), { recursive: true });
      symlinkSync(`../devices/ndbus0/${region}/pfn0.0/block/${name}`, join(root, 'sys/block', name));
      put(`dev/${name}`);
    }

    it('is found under any number of the kernel', async () => {
      plug('pmem0', 'region0', '0x100000000');
      plug('pmem1', 'region1', '0x1d0000000');
      plug('pmem2', 'region2', '0x1c0000000');
      assert.equal(await byPlace(), join(roots.dev, 'pmem2'));
    });
    it('is awaited although another NVDIMM has its number', async () => {
      plug('pmem1', 'region1', '0x1d0000000');
      await assert.rejects(byPlace(), { message: /waiting for device \/block\/pmem at 0x1c0000000$/ });
    });
  });

  it('rescans a SCSI host', async () => {
    put('sys/bus/scsi/devices/0:0:1:7/block/sda');
    put('dev/sda');
    await find('scsi', '1:7');
    assert.equal(readFileSync(join(root, 'sys/class/scsi_host/host0/scan'), 'utf8'), '0 1 7');
  });

  it('network devices of a PCI card: none before the guest has found the card', () => {
    const links = pciLinks('02/03', roots);
    assert.deepEqual(links(), []);
    put('sys/bus/pci/devices/0000:01:03.0/virtio2/net/eth1/address');
    put('sys/bus/pci/devices/0000:01:04.0/virtio3/net/eth2/address');
    assert.deepEqual(links(), ['eth1']);
    assert.equal(readFileSync(join(roots.sys, 'bus/pci/rescan'), 'utf8'), '1');
  });

  const refused: [name: string, driver: string, address: string, text: RegExp][] = [
    ['a disk that does not appear', 'scsi', '0:3', /^Timeout reached after 0.02s waiting for device 0:0:0:3\/block$/],
    ['a PCI slot that stays empty', 'blk', '02/1f', /waiting for device 0000:00:02.0\/0000:01:1f.0$/],
    ['memory that does not appear', 'nvdimm', '/dev/pmem9', /waiting for device \/block\/pmem9$/],
    ['a PCI path with one part', 'blk', '02', /should be of format \[bridgeAddr\/deviceAddr\], got 02/],
    ['a bridge that does not exist', 'blk', '09/01', /Expected an entry for bus of 0000:00:09.0, got 0/],
    ['a SCSI address with three parts', 'scsi', '0:0:1', /expect SCSIID:LUN/],
    ['a path that leads elsewhere', 'nvdimm', '/dev/../etc/passwd', /invalid device/],
  ];
  for (const [name, driver, address, text] of refused) {
    it(`${name} is refused`, () => assert.rejects(find(driver, address), { message: text }));
  }

  it('refuses a file', () => assert.rejects(find('blk', '/dev/../etc/passwd'), /invalid device/));
  it("opens the kernel's uevent socket", () => kernelArrivals(linuxKernel).close());
});

describe('device numbers', () => {
  it('are those of /dev/null', () => assert.deepEqual(numberOfNode('/dev/null'), { major: 1, minor: 3 }));
  it('may have a large minor', () => assert.deepEqual(unpackDevice(0x12345678), { major: 0x456, minor: 0x12378 }));
});

describe('allowVolumes', () => {
  const rulesWith = (rules: object[]): unknown[] => {
    const spec = Spec.fromPartial({ Linux: { Resources: { Devices: rules } } });
    allowVolumes([Storage.fromPartial({ mount_point: '/dev/null' })], spec);
    return (spec.Linux?.Resources?.Devices ?? []).map(({ Allow, Major, Minor }) => [Allow, Major, Minor]);
  };
  it('adds a rule', () => assert.deepEqual(rulesWith([{ Major: -1n }]), [[false, -1n, 0n], [true, 1n, 3n]])); // prettier-ignore
  it('adds none to a specification without rules, which allows every device', () => assert.deepEqual(rulesWith([]), []));
});

describe('renumberDevices', () => {
  const spec = (): Spec =>
    Spec.fromPartial({
      Linux: {
        Devices: [
          { Path: '/dev/disk', Type: 'b', Major: 8n, Minor: 1n },
          { Path: '/dev/other', Type: 'b', Major: 9n, Minor: 1n },
        ],
        Resources: {
          Devices: [
            { Type: 'b', Major: 8n, Minor: 1n },
            { Type: 'b', Major: 9n, Minor: 1n },
            { Type: 'c', Major: 8n, Minor: 1n },
          ],
        },
      },
    });
  const numbers = (list: readonly { Type: string; Major: bigint; Minor: bigint }[] = []): string[] =>
    list.map(({ Type, Major, Minor }) => `${Type} ${Major}:${Minor}`);
  const disk = { containerPath: '/dev/disk', guestPath: '/dev/vdb', number: { major: 254, minor: 16 } };
  it('changes the device and its rule, not the rule of a character device of that number', () => {
    const changed = spec();
    renumberDevices(changed, [disk]);
    assert.deepEqual(numbers(changed.Linux?.Devices), ['b 254:16', 'b 9:1']);
    assert.deepEqual(numbers(changed.Linux?.Resources?.Devices), ['b 254:16', 'b 9:1', 'c 8:1']);
  });
  it('the guest number of one disk is the host number of another', () => {
    const changed = spec();
    const exchanged = [
      { ...disk, number: { major: 9, minor: 1 } },
      { ...disk, containerPath: '/dev/other', number: { major: 8, minor: 1 } },
    ];
    renumberDevices(changed, exchanged);
    assert.deepEqual(numbers(changed.Linux?.Devices), ['b 9:1', 'b 8:1']);
    assert.deepEqual(numbers(changed.Linux?.Resources?.Devices), ['b 9:1', 'b 8:1', 'c 8:1']);
  });
  const options = { timeoutMs: 1, listen: () => assert.fail('nothing to wait for') };
  const refused: [name: string, device: Partial<Device>, spec: Spec, text: RegExp][] = [
    ['no type', { id: 'x', container_path: '/d' }, spec(), /invalid type for device/],
    ['no address', { type: 'blk', container_path: '/d' }, spec(), /invalid ID and VM path for device/],
    ['no path in the container', { type: 'blk', id: 'x' }, spec(), /invalid container path for device/],
    ['an unknown type', { type: 'tape', id: 'x', container_path: '/d' }, spec(), /Unknown device type "tape"/],
    [
      'a device that is not in the spec',
      { type: 'mmioblk', vm_path: '/dev/null', container_path: '/d' },
      spec(),
      /matching device \/dev\/null/,
    ],
    ['no devices in the spec', { type: 'mmioblk', vm_path: '/dev/null', container_path: '/d' }, Spec.fromPartial({}), /No devices found/],
  ];
  for (const [name, device, given, text] of refused) {
    it(`${name} is refused`, () => assert.rejects(addDevices([Device.fromPartial(device)], given, options), { message: text }));
  }
});
