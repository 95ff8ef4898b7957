const READ_BYTES = 65536;

interface Place {
  readonly bytes: Buffer;
  /** Number of writers that still use the buffer. */
  users: number;
}

/**
 * Buffers for reads of the serial port. The buffers are reused, because the garbage of a fast stream would accumulate. Each client
 * keeps at most one buffer.
 */
export class ReadBufferPool {
  readonly #spare: Place[] = [];
  #current = newPlace();

  /** The buffer for the next read. */
  next(): Buffer {
    if (this.#current.users > 0) this.#current = this.#spare.pop() ?? newPlace();
    return this.#current.bytes;
  }

  /** Whether the bytes are a view of the last read. Bytes that waited for a client are a copy. */
  isIn(bytes: Buffer): boolean {
    return bytes.buffer === this.#current.bytes.buffer;
  }

  /** Keeps the buffer of the last read unchanged until the returned function is called. */
  keep(): () => void {
    const place = this.#current;
    place.users++;
    return () => {
      if (--place.users === 0 && place !== this.#current) this.#spare.push(place);
    };
  }
}

const newPlace = (): Place => ({ bytes: Buffer.allocUnsafeSlow(READ_BYTES), users: 0 });
