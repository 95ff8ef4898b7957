/** Numbers of devices, as makedev(3) packs them into st_rdev and st_dev. Pure. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

export const deviceNumber = (packed: number): DeviceNumber => ({
  major: (packed >>> 8) & 0xfff,
  minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00),
});
