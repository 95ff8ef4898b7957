/** An object of JSON, or a table of TOML. */
export type Table = Readonly<Record<string, unknown>>;

export const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
