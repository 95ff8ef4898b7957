/** The tables that header blocks refer to (RFC 7541, section 2.3): the static one, and the dynamic one, which the peer fills. */
import { Http2Error } from './frames.ts';

export type Header = readonly [name: string, value: string];

/** Appendix A. Entries with a value first, then names alone; index 1 is the first. */
const staticTable: readonly Header[] = [
  ...[':authority', ':method GET', ':method POST', ':path /', ':path /index.html', ':scheme http', ':scheme https'],
  ...[200, 204, 206, 304, 400, 404, 500].map((status) => `:status ${status}`),
  ...['accept-charset', 'accept-encoding gzip, deflate', 'accept-language', 'accept-ranges', 'accept'],
  ...['access-control-allow-origin', 'age', 'allow', 'authorization', 'cache-control', 'content-disposition', 'content-encoding'],
  ...['content-language', 'content-length', 'content-location', 'content-range', 'content-type', 'cookie', 'date', 'etag', 'expect'],
  ...['expires', 'from', 'host', 'if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'last-modified'],
  ...['link', 'location', 'max-forwards', 'proxy-authenticate', 'proxy-authorization', 'range', 'referer', 'refresh', 'retry-after'],
  ...['server', 'set-cookie', 'strict-transport-security', 'transfer-encoding', 'user-agent', 'vary', 'via', 'www-authenticate'],
].map((entry): Header => {
  const [name = '', value = ''] = entry.split(/ (.*)/);
  return [name, value];
});

/** Size of the table while no setting changes it (RFC 9113, section 6.5.2). The grpc-go of 1.x ignores the setting, so none is sent. */
const MAX_TABLE_BYTES = 4096;
/** Size of an entry besides its text (section 4.1); it bounds the number of entries to 128. */
const ENTRY_OVERHEAD = 32;

const sizeOf = ([name, value]: Header): number => name.length + value.length + ENTRY_OVERHEAD;

/** The static table followed by the dynamic one of a connection, whose newest entry has the lowest index. */
export class HeaderTable {
  readonly #entries: Header[] = [];
  #bytes = 0;
  #limit = MAX_TABLE_BYTES;

  /** @throws Http2Error for an index that no entry has */
  at(index: number): Header {
    const header = staticTable[index - 1] ?? this.#entries[index - 1 - staticTable.length];
    if (!header) throw new Http2Error(`no header has index ${index}`);
    return header;
  }

  /** Section 4.4: older entries make room; an entry that is larger than the table only empties it. */
  add(header: Header): void {
    const bytes = sizeOf(header);
    this.#evict(this.#limit - bytes);
    if (bytes > this.#limit) return;
    this.#entries.unshift(header);
    this.#bytes += bytes;
  }

  /** The peer uses a table of at most `limit` bytes. @throws Http2Error for more than the default */
  resize(limit: number): void {
    if (limit > MAX_TABLE_BYTES) throw new Http2Error(`a header table of ${limit} bytes is too large`);
    this.#limit = limit;
    this.#evict(limit);
  }

  #evict(limit: number): void {
    while (this.#bytes > limit) {
      const oldest = this.#entries.pop();
      if (!oldest) return;
      this.#bytes -= sizeOf(oldest);
    }
  }
}
