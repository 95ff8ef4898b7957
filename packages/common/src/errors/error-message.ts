/** Node's errors of system calls have the text `ENOENT: no such file or directory, open '/x'`: removes the phrase (see withoutErrnoText). */
function textOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const [, name, call] = /^([A-Z][A-Z0-9]+): [^,]+, (.+)$/s.exec(thrown.message) ?? [];
  return name !== undefined && name === errorCode(thrown) ? `${call} failed (${name})` : thrown.message;
}

/** The text of any thrown value on one line, with the texts of its causes unless they repeat it. */
export function errorMessage(thrown: unknown): string {
  const texts: string[] = [];
  for (let error = thrown, depth = 0; error !== undefined && depth < 5; depth++) {
    const text = textOf(error);
    if (!texts.some((seen) => seen.includes(text))) texts.push(text);
    error = error instanceof Error ? error.cause : undefined;
  }
  return texts.join(': ').replaceAll(/\s*\n\s*/g, ' ');
}

/** The errno name of a Node or kernel error (`ENOENT`), or undefined. */
export function errorCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : undefined;
}
