/** The bytes do not form a valid protobuf message. */
export class MalformedMessage extends Error {
  override readonly name = 'MalformedMessage';
}

/** Reads protobuf primitives from a part of a buffer, never beyond its end. */
export class Reader {
  readonly #buffer: Buffer;
  #position: number;
  #end: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#position = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#position >= this.#end;
  }

  /** A signed 64-bit integer; exact up to 2^53, beyond that the nearest number that JavaScript has. */
  varint(): number {
    const first = this.#byte();
    if (first < 0x80) return first;
    let low = first & 0x7f;
    let high = 0;
    for (let shift = 7; shift < 70; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) return high * 2 ** 32 + (low >>> 0);
    }
    throw new MalformedMessage('a number is longer than 10 bytes');
  }

  /** A signed 64-bit integer, exact. */
  varintExact(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, value);
    }
    throw new MalformedMessage('a number is longer than 10 bytes');
  }

  /** The following length-prefixed bytes, as a view of the buffer and not a copy. */
  bytes(): Buffer {
    const start = this.#advance(this.varint());
    return this.#buffer.subarray(start, this.#position);
  }

  /** The following length-prefixed bytes, one character each, so that strings compare as the bytes do. */
  latin1(): string {
    const start = this.#advance(this.varint());
    return this.#buffer.toString('latin1', start, this.#position);
  }

  utf8(): string {
    const start = this.#advance(this.varint());
    return this.#buffer.toString('utf8', start, this.#position);
  }

  /** A reader of the following length-prefixed message, which is skipped here. */
  nested(): Reader {
    const start = this.#advance(this.varint());
    return new Reader(this.#buffer, start, this.#position);
  }

  skip(wireType: number): void {
    if (wireType === 0) this.varint();
    else if (wireType === 1) this.#advance(8);
    else if (wireType === 2) this.#advance(this.varint());
    else if (wireType === 5) this.#advance(4);
    else throw new MalformedMessage(`unknown wire type ${wireType}`);
  }

  #byte(): number {
    if (this.#position >= this.#end) throw new MalformedMessage('the message ends in the middle of a field');
    return this.#buffer[this.#position++] as number;
  }

  /** Moves on by `length` and returns where it stood. */
  #advance(length: number): number {
    const start = this.#position;
    if (!(length >= 0 && length <= this.#end - start)) {
      throw new MalformedMessage('a field is longer than its message');
    }
    this.#position = start + length;
    return start;
  }
}
