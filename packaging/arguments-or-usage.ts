/** Command lines of the package builders. */

interface Read {
  readonly values: { readonly help?: boolean | undefined };
}

/** Undefined after help or an error, which are printed; an error sets the exit code 2. `read` throws for wrong arguments. */
export function argumentsOrUsage<T extends Read>(program: string, usage: string, read: (args: string[]) => T): T | undefined {
  try {
    const parsed = read(process.argv.slice(2));
    if (parsed.values.help !== true) return parsed;
    console.log(usage);
  } catch (error) {
    console.error(`${program}: ${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exitCode = 2;
  }
  return undefined;
}
