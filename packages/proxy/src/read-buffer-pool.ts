const READ_BYTES = 65536;

interface Place {
  readonly bytes: Buffer;
  /** Those who still write some of it. */
  users: number;
}

/**
 * The memory that the serial port is read into: few places again and again, because the garbage of a fast stream piles up. Each
 * client keeps at most one.
 */
export class ReadBufferPool {
  readonly #spare: Place[] = [];
  #current = newPlace();

  /** Memory for the next read. */
  next(): Buffer {
    if (this.#current.users > 0) this.#current = this.#spare.pop() ?? newPlace();
    return this.#current.bytes;
  }

  /** Whether the bytes are of what was read last: what had to wait for its reader was copied. */
  isIn(bytes: Buffer): boolean {
    return bytes.buffer === this.#current.bytes.buffer;
  }

  /** What was read last stays as it is, until the function that this gives is called. */
  keep(): () => void {
    const place = this.#current;
    place.users++;
    return () => {
      if (--place.users === 0 && place !== this.#current) this.#spare.push(place);
    };
  }
}

const newPlace = (): Place => ({ bytes: Buffer.allocUnsafeSlow(READ_BYTES), users: 0 });
