/** `text` as one argument of sh(1). Pure. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
