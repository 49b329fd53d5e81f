import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Logger } from '../../core/log.ts';
import { MalformedMessage } from './codec/reader.ts';
import { stopped } from './etcd-errors.ts';
import { FrameParser } from './frame-parser.ts';
import { Code, RpcError } from './status.ts';
import type { Method, StreamHandler, StreamMethod, UnaryMethod } from './transport.ts';

const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;
const SUCCESS = { 'grpc-status': '0' } as const;

export interface Http2CallOptions {
  path: string;
  method: Method | undefined;
  maxReceiveBytes: number;
  maxQueuedBytes: number;
  log: Logger;
}

/** One gRPC call on one HTTP/2 stream. */
export class Http2Call {
  readonly #stream: ServerHttp2Stream;
  readonly #options: Http2CallOptions;
  #handler: StreamHandler | undefined;
  #trailers: OutgoingHttpHeaders = SUCCESS;
  /** The status was sent: nothing else can be. */
  #over = false;
  /** The handler was told to stop sending. */
  #paused = false;
  /** A request is being worked on: its reply must be waited for when we stop. */
  #answering = false;

  constructor(stream: ServerHttp2Stream, options: Http2CallOptions) {
    this.#stream = stream;
    this.#options = options;
    stream.on('close', () => {
      this.#over = true;
      this.#handler?.closed();
    });
    // Resets and lost connections surface as errors before 'close', which is what is acted on.
    stream.on('error', (error) => options.log.debug('call failed', { path: options.path, error }));
  }

  start(): void {
    const { method, path } = this.#options;
    if (this.#isOver()) return;
    if (method === undefined) this.#end(new RpcError(Code.UNIMPLEMENTED, `unknown method ${path}`));
    else if (method.kind === 'unary') this.#startUnary(method);
    else this.#startStream(method);
  }

  /** The server is going away: streams end now, requests under way get their reply. */
  stop(): void {
    if (!this.#answering) this.#end(stopped());
  }

  #startUnary(method: UnaryMethod): void {
    const parser = new FrameParser(this.#options.maxReceiveBytes, (message) => {
      if (this.#answering) return;
      this.#answering = true;
      void this.#answer(method, message);
    });
    this.#receive(parser, () => {
      if (!this.#answering) this.#end(new RpcError(Code.INTERNAL, 'the request has no message'));
    });
  }

  async #answer(method: UnaryMethod, message: Buffer): Promise<void> {
    try {
      const result = method.handle(message);
      // Reads are answered in the same turn; only writes are promises.
      const reply = result instanceof Promise ? await result : result;
      if (this.#isOver()) return;
      this.#respond();
      this.#over = true;
      this.#stream.end(reply);
    } catch (error) {
      this.#end(this.#statusOf(error));
    }
  }

  #startStream(method: StreamMethod): void {
    // Clients may wait for the headers before they send their first message.
    this.#respond();
    const handler = method.open({
      send: (frame) => this.#send(frame),
      end: (error) => this.#end(error),
    });
    this.#handler = handler;
    const parser = new FrameParser(this.#options.maxReceiveBytes, (message) => {
      if (!this.#isOver()) handler.received(message);
    });
    this.#receive(parser, () => {
      if (!this.#isOver()) handler.finished();
    });
  }

  #receive(parser: FrameParser, finished: () => void): void {
    this.#stream.on('data', (chunk: Buffer) => {
      if (this.#isOver()) return;
      try {
        parser.push(chunk);
      } catch (error) {
        this.#end(this.#statusOf(error));
      }
    });
    this.#stream.on('end', finished);
  }

  #send(frame: Buffer): boolean {
    if (this.#isOver()) return false;
    this.#stream.write(frame, this.#written);
    this.#paused = this.#stream.writableLength >= this.#options.maxQueuedBytes;
    return !this.#paused;
  }

  readonly #written = (): void => {
    if (!this.#paused || this.#isOver() || this.#stream.writableLength > 0) return;
    this.#paused = false;
    this.#handler?.drained();
  };

  #respond(): void {
    this.#stream.respond(RESPONSE_HEADERS, { waitForTrailers: true });
    this.#stream.on('wantTrailers', () => {
      if (this.#stream.closed) return;
      this.#stream.sendTrailers(this.#trailers);
      this.#releaseStream();
    });
  }

  #end(error?: RpcError): void {
    if (this.#isOver()) return;
    this.#over = true;
    if (error !== undefined) {
      this.#trailers = { 'grpc-status': String(error.code), 'grpc-message': percentEncode(error.message) };
    }
    if (this.#stream.headersSent) this.#stream.end();
    else {
      this.#stream.respond({ ...RESPONSE_HEADERS, ...this.#trailers }, { endStream: true });
      this.#releaseStream();
    }
  }

  /** The stream refuses everything from the moment it is reset, which is before it says that it has closed. */
  #isOver(): boolean {
    return this.#over || this.#stream.closed || this.#stream.destroyed;
  }

  /** The call is over even if the client has not finished; what it still sends is of no interest (RFC 9113, 8.1). */
  #releaseStream(): void {
    if (!this.#stream.readableEnded) setImmediate(() => this.#stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #statusOf(error: unknown): RpcError {
    if (error instanceof RpcError) return error;
    if (error instanceof MalformedMessage) {
      return new RpcError(Code.INTERNAL, `grpc: error unmarshalling request: ${error.message}`);
    }
    this.#options.log.error('request failed', { path: this.#options.path, error });
    return new RpcError(Code.INTERNAL, 'internal error; see the log of the datastore');
  }
}

/** grpc-message carries UTF-8 with everything but printable ASCII, and the percent sign itself, percent-encoded. */
export function percentEncode(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/[^ -$&-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}
