/**
 * Reads the server name out of a TLS ClientHello without taking part in the handshake (RFC 8446 §4.1.2, §5.1; RFC 6066 §3),
 * so that a connection can be routed before anybody has decided who terminates it.
 */

/** What the bytes so far say. `invalid` is final: whatever follows, no TLS server would accept it as a ClientHello. */
export type ClientHello =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'complete'; readonly serverName: string | undefined }
  | { readonly kind: 'invalid'; readonly reason: string };

/** The most bytes, records included, that a ClientHello may take. Real ones stay under 3 KiB, post-quantum keys included. */
export const LARGEST_CLIENT_HELLO = 16 * 1024;

const RECORD_HEADER = 5;
const HANDSHAKE_HEADER = 4;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO_MESSAGE = 1;
const LARGEST_RECORD = 2 ** 14;
const SERVER_NAME_EXTENSION = 0;
const HOST_NAME = 0;

const INCOMPLETE: ClientHello = { kind: 'incomplete' };

/**
 * Takes the bytes of a connection as they come, in pieces of any size, and says when the ClientHello is complete. The message
 * may span records, and records may span pieces. Work and memory grow with the number of bytes, not of pieces.
 */
export class ClientHelloReader {
  readonly #received = new GrowingBuffer();
  readonly #recordHeader = Buffer.alloc(RECORD_HEADER);
  #recordHeaderFilled = 0;
  #recordLeft = 0;
  readonly #message = new GrowingBuffer();
  #result: ClientHello = INCOMPLETE;

  /** All bytes pushed so far, for whoever takes the connection over. */
  get received(): Buffer {
    return this.#received.bytes;
  }

  push(chunk: Buffer): ClientHello {
    this.#received.append(chunk);
    let rest = chunk;
    while (rest.length > 0 && this.#result.kind === 'incomplete') {
      const taken = this.#recordLeft === 0 ? this.#takeHeader(rest) : this.#takePayload(rest);
      rest = rest.subarray(taken);
    }
    if (this.#result.kind === 'incomplete' && this.received.length >= LARGEST_CLIENT_HELLO) {
      this.#result = invalid(`no end within ${LARGEST_CLIENT_HELLO} bytes`);
    }
    return this.#result;
  }

  #takeHeader(bytes: Buffer): number {
    const header = this.#recordHeader;
    const taken = bytes.copy(header, this.#recordHeaderFilled);
    this.#recordHeaderFilled += taken;
    // The first byte decides at once, so that a plain-text client is not kept waiting for four more.
    if (header[0] !== HANDSHAKE_RECORD) this.#result = invalid('not a TLS handshake record');
    else if (this.#recordHeaderFilled >= 2 && header[1] !== 3) this.#result = invalid('not a version of TLS');
    else if (this.#recordHeaderFilled === RECORD_HEADER) {
      const length = header.readUInt16BE(3);
      if (length === 0 || length > LARGEST_RECORD) this.#result = invalid(`a record of ${length} bytes`);
      this.#recordLeft = length;
      this.#recordHeaderFilled = 0;
    }
    return taken;
  }

  #takePayload(bytes: Buffer): number {
    const payload = bytes.subarray(0, this.#recordLeft);
    this.#recordLeft -= payload.length;
    this.#message.append(payload);
    const message = this.#message.bytes;
    if (message.length >= HANDSHAKE_HEADER) this.#result = readMessage(message);
    return payload.length;
  }
}

/** `message` holds at least a handshake header. */
function readMessage(message: Buffer): ClientHello {
  if (message[0] !== CLIENT_HELLO_MESSAGE) return invalid('the first message is not a ClientHello');
  const end = HANDSHAKE_HEADER + message.readUIntBE(1, 3);
  if (end > LARGEST_CLIENT_HELLO) return invalid(`a ClientHello of ${end} bytes`);
  return message.length < end ? INCOMPLETE : parseBody(message.subarray(HANDSHAKE_HEADER, end));
}

function parseBody(body: Buffer): ClientHello {
  try {
    const reader = new Vectors(body);
    reader.skip(2 + 32); // legacy_version, random
    reader.vector(1); // legacy_session_id
    reader.vector(2); // cipher_suites
    reader.vector(1); // legacy_compression_methods
    // TLS 1.2 allows a ClientHello that ends here.
    if (reader.atEnd) return { kind: 'complete', serverName: undefined };
    const extensions = new Vectors(reader.vector(2));
    if (!reader.atEnd) return invalid('bytes after the extensions');
    let serverName: string | undefined;
    while (!extensions.atEnd) {
      const type = extensions.uint(2);
      const data = extensions.vector(2);
      if (type !== SERVER_NAME_EXTENSION) continue;
      if (serverName !== undefined) return invalid('two server name extensions');
      serverName = parseServerNames(data);
    }
    return { kind: 'complete', serverName };
  } catch (error) {
    if (error instanceof RangeError) return invalid('a length that points outside the message');
    throw error;
  }
}

/** The first host name of the list, in lower case; RFC 6066 allows one only. */
function parseServerNames(data: Buffer): string | undefined {
  const names = new Vectors(new Vectors(data).vector(2));
  while (!names.atEnd) {
    const type = names.uint(1);
    const name = names.vector(2);
    if (type === HOST_NAME) return name.toString('latin1').toLowerCase();
  }
  return undefined;
}

/** A cursor over the presentation language of RFC 8446 §3. Reading past the end throws a RangeError. */
class Vectors {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  skip(count: number): void {
    if (this.#at + count > this.#bytes.length) throw new RangeError('past the end');
    this.#at += count;
  }

  uint(width: 1 | 2): number {
    const at = this.#at;
    this.skip(width);
    return this.#bytes.readUIntBE(at, width);
  }

  /** A vector whose length stands before it in `width` bytes. */
  vector(width: 1 | 2): Buffer {
    const length = this.uint(width);
    const at = this.#at;
    this.skip(length);
    return this.#bytes.subarray(at, at + length);
  }
}

class GrowingBuffer {
  #store = Buffer.allocUnsafe(1024);
  #length = 0;

  get bytes(): Buffer {
    return this.#store.subarray(0, this.#length);
  }

  append(chunk: Buffer): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#store.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#store.length));
      this.bytes.copy(larger);
      this.#store = larger;
    }
    chunk.copy(this.#store, this.#length);
    this.#length = needed;
  }
}

function invalid(reason: string): ClientHello {
  return { kind: 'invalid', reason };
}
