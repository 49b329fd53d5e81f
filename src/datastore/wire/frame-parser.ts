import { Code, RpcError } from './status.ts';

const PREFIX = 5;

/** Cuts the bytes of one call into gRPC messages. */
export class FrameParser {
  readonly #limit: number;
  readonly #deliver: (message: Buffer) => void;
  #held: Buffer[] = [];
  #heldLength = 0;
  /** Parsing is pointless before this many bytes are held. */
  #needed = 0;

  /** Messages longer than `limit` bytes are refused with etcd's (that is, grpc-go's) error. */
  constructor(limit: number, deliver: (message: Buffer) => void) {
    this.#limit = limit;
    this.#deliver = deliver;
  }

  push(chunk: Buffer): void {
    let bytes = chunk;
    if (this.#heldLength > 0) {
      this.#held.push(chunk);
      this.#heldLength += chunk.length;
      if (this.#heldLength < this.#needed) return;
      bytes = Buffer.concat(this.#held, this.#heldLength);
      this.#held = [];
      this.#heldLength = 0;
    }
    let at = 0;
    this.#needed = PREFIX;
    while (bytes.length - at >= PREFIX) {
      const length = this.#lengthAt(bytes, at);
      if (bytes.length - at - PREFIX < length) {
        this.#needed = PREFIX + length;
        break;
      }
      this.#deliver(bytes.subarray(at + PREFIX, at + PREFIX + length));
      at += PREFIX + length;
    }
    if (at === bytes.length) return;
    this.#held = [bytes.subarray(at)];
    this.#heldLength = bytes.length - at;
  }

  #lengthAt(bytes: Buffer, at: number): number {
    if (bytes[at] !== 0) throw new RpcError(Code.UNIMPLEMENTED, 'grpc: compressed messages are not supported');
    const length = bytes.readUInt32BE(at + 1);
    if (length <= this.#limit) return length;
    throw new RpcError(
      Code.RESOURCE_EXHAUSTED,
      `grpc: received message larger than max (${length} vs. ${this.#limit})`,
    );
  }
}
