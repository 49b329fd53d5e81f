import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http2';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/log.ts';
import { Http2Call } from './http2-call.ts';
import type { MethodTable, Transport } from './transport.ts';

const MEBIBYTE = 1024 * 1024;

/** How long clients may take to accept the end of their calls before their connections are cut. */
const CLOSE_PATIENCE = 1000;

export interface Http2TransportOptions {
  methods: MethodTable;
  clock: Clock;
  log: Logger;
  /** Longest message that a client may send, in bytes. */
  maxReceiveBytes: number;
  /** Unsent bytes of one stream beyond which its handler is asked to pause. */
  maxQueuedBytes?: number;
}

/** gRPC over Node's HTTP/2, in clear text, on any listener that `net.Server.listen` takes. */
export class Http2Transport implements Transport {
  readonly #server: Http2Server;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #calls = new Set<Http2Call>();
  readonly #options: Http2TransportOptions;
  #closing = false;

  constructor(options: Http2TransportOptions) {
    this.#options = options;
    this.#server = createServer({
      settings: { initialWindowSize: MEBIBYTE, maxConcurrentStreams: 2 ** 32 - 1, enablePush: false },
      // The limit covers queued replies too: a list of everything must fit.
      maxSessionMemory: 4096,
      // Clients cancel watches and requests by resetting streams; a restart of an informer cancels many at once.
      streamResetBurst: 100_000,
      streamResetRate: 10_000,
    });
    this.#server.on('session', (session) => this.#accept(session));
    this.#server.on('stream', (stream, headers) => this.#open(stream, headers));
  }

  get connections(): number {
    return this.#sessions.size;
  }

  /** Resolves once connections are accepted; rejects with Node's error if it cannot listen. */
  listen(path: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(path, () => {
        this.#server.off('error', reject);
        this.#server.on('error', (error) => this.#options.log.error('listener failed', { error }));
        resolve();
      });
    });
  }

  /** Refuses new calls, ends streams with Unavailable, lets requests under way finish, then closes the connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    const closed = [...this.#sessions].map((session) => new Promise((resolve) => session.once('close', resolve)));
    closed.push(new Promise((resolve) => this.#server.close(resolve)));
    using _patience = this.#options.clock.timer(CLOSE_PATIENCE, () => {
      for (const session of this.#sessions) session.destroy();
    });
    for (const call of this.#calls) call.stop();
    // Closes as soon as the last call on it has ended.
    for (const session of this.#sessions) session.close();
    await Promise.all(closed);
  }

  #accept(session: ServerHttp2Session): void {
    if (this.#closing) {
      session.destroy();
      return;
    }
    this.#sessions.add(session);
    session.setLocalWindowSize(16 * MEBIBYTE);
    session.on('close', () => this.#sessions.delete(session));
    // A client that vanishes is not our failure; its streams report their own end.
    session.on('error', (error) => this.#options.log.debug('connection failed', { error }));
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    if (headers[':method'] !== 'POST') {
      stream.respond({ ':status': 405, allow: 'POST' }, { endStream: true });
      return;
    }
    if (!headers['content-type']?.startsWith('application/grpc')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    const path = headers[':path'] ?? '';
    const call = new Http2Call(stream, {
      path,
      method: this.#options.methods.get(path),
      maxReceiveBytes: this.#options.maxReceiveBytes,
      maxQueuedBytes: this.#options.maxQueuedBytes ?? MEBIBYTE,
      log: this.#options.log,
    });
    this.#calls.add(call);
    stream.on('close', () => this.#calls.delete(call));
    if (this.#closing) call.stop();
    else call.start();
  }
}
