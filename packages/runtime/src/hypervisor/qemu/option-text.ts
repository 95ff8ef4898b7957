/** The text of QEMU's options. Pure. */

/** Commas in a value are doubled, or QEMU takes the rest for another option (qemu(1), "-drive"). */
export const escapeOption = (value: string): string => value.replaceAll(',', ',,');
export const unescapeOption = (value: string): string => value.replaceAll(',,', ',');

/** One value of parts with commas between, without those that are empty or false. */
export const joined = (...parts: (string | false)[]): string => parts.filter((part) => part !== false && part !== '').join(',');
