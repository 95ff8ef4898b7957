/** `text` as one word of sh(1). Pure. */
export const shellQuote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
