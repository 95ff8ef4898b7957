/**
 * Identifies an NVDIMM by its address in the guest's memory: an option beside 1.x's `/dev/pmemN`, whose number is the order in which the
 * guest's kernel detected several NVDIMMs. 1.x's agent ignores the option. Pure.
 */
const NAME = 'physical-address=';

export const memoryAddressOption = (address: bigint): string => `${NAME}0x${address.toString(16)}`;

export function memoryAddressOf(options: readonly string[]): bigint | undefined {
  const text = options.find((option) => option.startsWith(NAME))?.slice(NAME.length);
  return text !== undefined && /^0x[0-9a-f]{1,16}$/.test(text) ? BigInt(text) : undefined;
}
