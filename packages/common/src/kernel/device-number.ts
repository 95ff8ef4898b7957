/** Device numbers, as makedev(3) packs them into st_rdev, st_dev and mknod(2)'s argument. Pure. */
export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** The kernel's form, of 32 bits: 12 of the major number, 20 of the minor (include/linux/kdev_t.h). */
export const unpackDevice = (packed: number): DeviceNumber => ({
  major: (packed >>> 8) & 0xfff,
  minor: (packed & 0xff) | ((packed >>> 12) & 0xfff00),
});

/** glibc's form, of 64 bits. */
export const packDevice = ({ major, minor }: DeviceNumber): bigint =>
  (BigInt(major & 0xfffff000) << 32n) | (BigInt(major & 0xfff) << 8n) | (BigInt(minor & 0xffffff00) << 12n) | BigInt(minor & 0xff);
