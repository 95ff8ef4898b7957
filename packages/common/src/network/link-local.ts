/** IPv6 link-local addresses (RFC 4291, section 2.5.6), as text in the form that ip(8) prints. */

/** fe80::/10. */
export const isLinkLocal = (address: string): boolean => /^fe[89ab][0-9a-f]:/i.test(address);

/**
 * The address that the kernel derives from the hardware address of an Ethernet device (RFC 4291, appendix A: EUI-64).
 * @returns an empty text for other hardware addresses
 */
export function linkLocalOf(mac: string): string {
  const bytes = mac.split(':').map((byte) => Number.parseInt(byte, 16));
  if (bytes.length !== 6 || bytes.some(Number.isNaN)) return '';
  const [first = 0, second = 0, third = 0, fourth = 0, fifth = 0, sixth = 0] = bytes;
  const groups = [((first ^ 2) << 8) | second, (third << 8) | 0xff, 0xfe00 | fourth, (fifth << 8) | sixth];
  const shown = groups[0] === 0 ? groups.slice(1) : groups;
  return `fe80::${shown.map((group) => group.toString(16)).join(':')}`;
}
