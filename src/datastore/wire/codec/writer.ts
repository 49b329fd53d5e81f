const FRAME_PREFIX = 5;

/**
 * Writes protobuf from the end of the message to its start: a nested message's length is known when its prefix is written,
 * so one pass is enough. Callers write fields, and the elements of repeated fields, in reverse order.
 */
export class Writer {
  #buffer: Buffer;
  #position: number;

  /** `capacity` is a guess; the buffer grows. */
  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity);
    this.#position = capacity;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#buffer.length - this.#position;
  }

  /** A signed integer of up to 53 bits. */
  varint(value: number): void {
    if (value < 0x80 && value >= 0) {
      this.#reserve(1);
      this.#buffer[--this.#position] = value;
      return;
    }
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) {
      this.varintExact(BigInt(value));
      return;
    }
    let size = 1;
    for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
    this.#reserve(size);
    this.#position -= size;
    let at = this.#position;
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) this.#buffer[at++] = (rest % 0x80) | 0x80;
    this.#buffer[at] = rest;
  }

  /** A signed 64-bit integer. */
  varintExact(value: bigint): void {
    let rest = BigInt.asUintN(64, value);
    const bytes: number[] = [];
    for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#position -= bytes.length;
    this.#buffer.set(bytes, this.#position);
  }

  bytes(bytes: Uint8Array): void {
    this.raw(bytes);
    this.varint(bytes.length);
  }

  /** The counterpart of `Reader.latin1`. */
  latin1(text: string): void {
    this.#reserve(text.length);
    this.#position -= text.length;
    this.#buffer.write(text, this.#position, 'latin1');
    this.varint(text.length);
  }

  utf8(text: string): void {
    this.bytes(Buffer.from(text, 'utf8'));
  }

  tag(field: number, wireType: number): void {
    this.varint((field << 3) | wireType);
  }

  /** The finished message. */
  finish(): Buffer {
    return this.#buffer.subarray(this.#position);
  }

  /** The finished message behind gRPC's length prefix (uncompressed), ready to be sent. */
  finishFrame(): Buffer {
    const length = this.length;
    this.#reserve(FRAME_PREFIX);
    this.#position -= FRAME_PREFIX;
    this.#buffer[this.#position] = 0;
    this.#buffer.writeUInt32BE(length, this.#position + 1);
    return this.finish();
  }

  #reserve(size: number): void {
    if (size <= this.#position) return;
    const used = this.length;
    const grown = Buffer.allocUnsafe(Math.max(used + size, this.#buffer.length * 2));
    this.#position = grown.length - used;
    grown.set(this.#buffer.subarray(this.#buffer.length - used), this.#position);
    this.#buffer = grown;
  }
}
