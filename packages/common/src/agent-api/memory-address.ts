/**
 * Which NVDIMM is meant, by where it is in the guest's memory: an option beside 1.x's `/dev/pmemN`, whose number is the order in which the
 * guest's kernel came across several that were plugged one after the other. Agents of 1.x do not look at it. Pure.
 */
const NAME = 'physical-address=';

export const memoryAddressOption = (address: bigint): string => `${NAME}0x${address.toString(16)}`;

export function memoryAddressOf(options: readonly string[]): bigint | undefined {
  const text = options.find((option) => option.startsWith(NAME))?.slice(NAME.length);
  return text !== undefined && /^0x[0-9a-f]{1,16}$/.test(text) ? BigInt(text) : undefined;
}
