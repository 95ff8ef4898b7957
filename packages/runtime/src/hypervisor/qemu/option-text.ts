/** Formats options of QEMU. Pure. */

/** Commas in a value are doubled; QEMU would parse the rest as another option (qemu(1), "-drive"). */
export const escapeOption = (value: string): string => value.replaceAll(',', ',,');
export const unescapeOption = (value: string): string => value.replaceAll(',,', ',');

/** Joins the parts that are neither empty nor false with commas. */
export const joined = (...parts: (string | false)[]): string => parts.filter((part) => part !== false && part !== '').join(',');
