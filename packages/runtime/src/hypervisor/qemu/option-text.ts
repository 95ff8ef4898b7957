/** Formats options of QEMU. Pure. */

/** Doubles the commas in a value: QEMU parses a single comma as the end of the value (qemu(1), "-drive"). */
export const escapeOption = (value: string): string => value.replaceAll(',', ',,');
export const unescapeOption = (value: string): string => value.replaceAll(',,', ',');

/** Joins the parts that are neither empty nor false with commas. */
export const joined = (...parts: (string | false)[]): string => parts.filter((part) => part !== false && part !== '').join(',');
