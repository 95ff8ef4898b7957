import { UsageError } from '../errors/kata-error.ts';

/** Longest path that struct sockaddr_un holds, unix(7). */
const MAX_PATH = 107;

/** The path in `unix:///path` or a bare path. @throws UsageError for other schemes and for paths that no socket can have */
export function socketPath(address: string): string {
  const path = address.startsWith('unix://') ? address.slice('unix://'.length) : address;
  if (/^[a-z]+:\/\//.test(path)) throw new UsageError(`invalid address scheme: ${address}`);
  if (path === '') throw new UsageError('a socket address is empty');
  const length = Buffer.byteLength(path);
  if (length > MAX_PATH) throw new UsageError(`path too long (got ${length}, max ${MAX_PATH}): ${path}`);
  return path;
}
