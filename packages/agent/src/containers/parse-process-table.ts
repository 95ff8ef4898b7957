/** The header of ps' table and the lines of these processes. Pure. @throws Error when there is no PID column */
export function filterProcessTable(table: string, pids: readonly number[]): string {
  const [header = '', ...rows] = table.split('\n');
  const column = header.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new Error('failed to find PID field in ps output');
  const wanted = new Set(pids.map(String));
  const kept = rows.filter((row) => wanted.has(row.trim().split(/\s+/)[column] ?? ''));
  return [header, ...kept, ''].join('\n');
}
